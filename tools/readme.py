"""README.md from nbs/index.ipynb, without Quarto: `python tools/readme.py` writes it, `--check` exits with 1 if it differs."""
import argparse
import json
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
images = Path('nbs/images')


def _text(field): return field if isinstance(field, str) else ''.join(field)

def _fence(text, language=''):
    "A fenced block; the fence is longer than any run of backticks in the text."
    ticks = '`' * max([3, *(len(run) + 1 for run in re.findall('`+', text))])
    return f'{ticks}{language}\n{text.strip(chr(10))}\n{ticks}'

def _links(text):
    "Links and images of the index are relative to nbs/, those of the README to the checkout."
    return re.sub(r'(\]\()(?![a-z]+:|#|/)', r'\1nbs/', text)

def _alternative(source):
    "The alternative text of a figure: the cell's option `#| fig-alt:`."
    found = re.search(r'^#\|\s*fig-alt:\s*"(.*)"$', source, re.M)
    return found[1] if found else None

def _output(output, name, alternative):
    "Markdown of one stored output, and the image files that it needs."
    if output['output_type'] == 'error': raise ValueError(f'{name}: the stored output is an error, {output["ename"]}: {output["evalue"]}')
    data = output.get('data', {})
    if 'text/markdown' in data: return _links(_text(data['text/markdown'])).strip(), {}
    if 'image/svg+xml' in data:
        file = images/f'{name}.svg'
        if not alternative: raise ValueError(f'{name}: the figure has no alternative text, #| fig-alt: "…"')
        return f'![{alternative}]({file.as_posix()})', {file: _text(data['image/svg+xml'])}
    text = _text(output.get('text', '') or data.get('text/plain', ''))
    text = re.sub(r'\x1b\[[0-9;]*m', '', text).rstrip()
    return (_fence(text, 'text') if text else ''), {}

def _cell(cell, number):
    "Markdown of one cell, and the image files that it needs."
    source = _text(cell['source'])
    if cell['cell_type'] == 'markdown': return [_links(re.sub(r'^#\|.*\n', '', source, flags=re.M)).strip()], {}
    directives = {re.sub(r'\s+', '', d) for d in re.findall(r'^#\|(.*)$', source, re.M)}
    if cell['cell_type'] != 'code' or directives & {'hide', 'include:false'}: return [], {}
    alternative, source = _alternative(source), re.sub(r'^#\|.*\n?', '', source, flags=re.M).strip()
    parts = [_fence(source, 'python')] if source and not directives & {'hide_input', 'echo:false'} else []
    files = {}
    for i, output in enumerate(cell['outputs'] if 'hide_output' not in directives else []):
        part, more = _output(output, f'readme_{number}_{i}', alternative)
        parts.append(part); files |= more
    return parts, files

def make(notebook: dict) -> tuple[str, dict[Path, str]]:
    "Text of the README, and the images that it links to, by path in the checkout."
    parts, files = ['<!-- Made from nbs/index.ipynb by tools/readme.py; edit the notebook, not this file. -->'], {}
    for number, cell in enumerate(notebook['cells']):
        new, more = _cell(cell, number)
        parts += [p for p in new if p]; files |= more
    return '\n\n'.join(parts) + '\n', files

def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit with 1 if README.md or its images differ from the notebook')
    check = parser.parse_args(arguments).check
    text, files = make(json.loads((root/'nbs/index.ipynb').read_text(encoding='utf8')))
    wanted = {Path('README.md'): text} | files
    stale = {p.relative_to(root) for p in (root/images).glob('readme_*')} - set(wanted)
    differ = [p for p, content in wanted.items() if not (root/p).is_file() or (root/p).read_text(encoding='utf8') != content]
    for path in sorted({*differ, *stale}): print(f'{path.as_posix()} {"differs from nbs/index.ipynb" if check else "deleted" if path in stale else "written"}')
    if check: return int(bool(differ or stale))
    for path in differ:
        (root/path).parent.mkdir(parents=True, exist_ok=True)
        (root/path).write_text(wanted[path], encoding='utf8')
    for path in stale: (root/path).unlink()
    return 0


if __name__ == '__main__': sys.exit(main())
