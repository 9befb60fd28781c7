"""A notebook as one HTML page, from its stored outputs, without Quarto and without network: `python tools/page.py nbs/04_show.ipynb [--dark] > page.html`."""
import argparse
import json
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent

_image = '<div class="jp-OutputArea-output cell-output-display"><img{% if output.metadata.alt %} alt="{{ output.metadata.alt | escape_html }}"{% endif %} src="data:KIND;base64,{{ DATA }}"></div>'
_template = '''
{%- extends 'lab/index.html.j2' -%}
{%- block data_svg -%}SVG{%- endblock -%}
{%- block data_png -%}PNG{%- endblock -%}
{%- block extra_css -%}<link rel="icon" href="data:,"><style>{{ resources.own_css }}</style>{%- endblock -%}
'''.replace('SVG', _image.replace('KIND', 'image/svg+xml').replace('DATA', "output.data['image/svg+xml'] | text_base64")).replace(
    'PNG', _image.replace('KIND', 'image/png').replace('DATA', "output.data['image/png']"))

def alternatives(source: str) -> list[str]:
    "Alternative texts of the figures of a cell: its option `#| fig-alt:`, one text or a list."
    found = re.search(r'^#\|\s*fig-alt:\s*(.+)$', source, re.M)
    if not found: return []
    value = json.loads(found[1]) if found[1][0] in '"[' else found[1]
    return [value] if isinstance(value, str) else value

def prepared(notebook):
    "The notebook as a reader sees it: no hidden cells, no directives, no widgets, every figure with its alternative text."
    import nbformat
    from tokernels.show import without_widgets
    cells = []
    for cell in notebook.cells:
        options = {re.sub(r'\s+', '', o) for o in re.findall(r'^#\|(.*)$', cell.source, re.M)}
        if options & {'hide', 'include:false'} or any(o.startswith('default_exp') for o in options): continue
        texts = iter(alternatives(cell.source))
        if cell.cell_type == 'code': cell.outputs = [nbformat.from_dict(o) for o in without_widgets(cell.outputs)]
        for output in cell.get('outputs', []):
            if output.output_type == 'execute_result': output.setdefault('execution_count', None)
            if any(kind.startswith('image/') for kind in output.get('data', {})): output.metadata['alt'] = next(texts, '')
        cell.source = re.sub(r'^#\|.*\n?', '', cell.source, flags=re.M)
        if options & {'hide_input', 'echo:false'}: cell.metadata['transient'] = {'remove_source': True}
        if cell.cell_type != 'code' or cell.source.strip() or cell.outputs: cells.append(cell)
    notebook.cells = cells
    return notebook

def page(path: Path | str, dark: bool = False, mathjax: str = 'data:,') -> str:
    "HTML of a notebook. `mathjax` is the address of a MathJax 2; by default formulas stay as they are written."
    import nbformat
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter
    exporter = HTMLExporter(extra_loaders=[DictLoader({'page.html.j2': _template})], template_file='page.html.j2', theme='dark' if dark else 'light',
                            exclude_input_prompt=True, exclude_output_prompt=True, mathjax_url=mathjax, require_js_url='data:,')
    path = Path(path)
    resources = dict(own_css=(root/'nbs/styles.css').read_text(encoding='utf8'), metadata=dict(name=path.stem))
    return exporter.from_notebook_node(prepared(nbformat.read(path, 4)), resources)[0]

def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('notebook', type=Path)
    parser.add_argument('--dark', action='store_true', help='light letters on a dark page')
    args = parser.parse_args(arguments)
    sys.stdout.write(page(args.notebook, args.dark))


if __name__ == '__main__': main()
