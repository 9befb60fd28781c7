"""The comparison tables on the chapters' pages, drawn from the stored results: `python tools/tables.py`, and `--check` says whether they are current."""
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
marks = '<!-- table: made by tools/tables.py -->\n', '<!-- end of table -->'


def made() -> dict[str, str]:
    "Path of a chapter's page and its table, with what it was measured on above it."
    from tokernels.bench import load_result, table
    speculate, kvcache = load_result('speculate/table'), load_result('kvcache/table')
    run, cache = speculate['result']['code, temperature 0.7'], kvcache['result']
    decoders = table([r | dict(lossless='yes' if r['lossless'] in (True, 'yes') else 'no') for r in sorted(run['rows'], key=lambda r: -r['ratio'])],
                     dict(contestant='decoder', tokens_per_call='tokens per call', ratio='times as fast as generate', needs='needs', lossless='lossless'), dict(tokens_per_call='.2f', ratio='.2f'))
    methods = table([r | dict(evicts='yes' if r['evicts'] else 'no') for r in cache['rows'] if r['budget'] in (1, 0.125)],
                    dict(method='method', evicts='evicts', bits='bits per byte', lookup='lookups right', megabytes='MB held'), dict(bits='.3f', lookup='.0%', megabytes='.1f'))
    cpu, gpu = speculate['environment'], kvcache['environment']
    return {'nbs/speculate/index.qmd': f"Embedded target on two cores ({cpu['cpu']}), {run['prompts']} prompts of held-out code, {run['max_new_tokens']} tokens, temperature 0.7:\n\n{decoders}\n",
            'nbs/kvcache/index.qmd': f"Embedded target ({gpu.get('gpu', gpu['cpu'])}), prompts of {cache['prompt']:,} tokens, an eighth of them kept or read:\n\n{methods}\n"}


def placed(page: str, text: str) -> str:
    "A page with the table between its marks. Raises `ValueError` for a page without them."
    if any(page.count(m) != 1 for m in marks): raise ValueError(f'the page needs each of {marks} once')
    before, rest = page.split(marks[0])
    return before + marks[0] + text + marks[1] + rest.split(marks[1])[1]


def main(arguments=None) -> int: # 1 if a page was not current
    old = {name: (root/name).read_text(encoding='utf8') for name in made()}
    new = {name: placed(old[name], text) for name, text in made().items()}
    differ = [name for name in new if new[name] != old[name]]
    check = '--check' in (sys.argv[1:] if arguments is None else arguments)
    for name in differ:
        print(f'{name} {"differs from the stored results" if check else "written"}')
        if not check: (root/name).write_text(new[name], encoding='utf8')
    return int(check and bool(differ))


if __name__ == '__main__': sys.exit(main())
