"""What holds for the project as a whole: metadata agrees, notebooks are complete, modules import alone, pages and README are in step."""
import ast
import copy
import fnmatch
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

root = Path(__file__).resolve().parent.parent
notebooks = sorted(p for p in (root/'nbs').rglob('*.ipynb') if not any(part[0] in '._' for part in p.relative_to(root).parts))
modules = sorted(p for p in (root/'tokernels').rglob('*.py') if p.name != '_modidx.py')
by_path = dict(argvalues=notebooks, ids=lambda p: p.relative_to(root/'nbs').as_posix())


def settings():
    parser = ConfigParser(delimiters=['='])
    parser.read(root/'settings.ini', encoding='utf8')
    return parser['DEFAULT']

def requirements(key):
    "Requirements of settings.ini, written so that they compare."
    from packaging.requirements import Requirement
    return [Requirement(line) for line in settings()[key].splitlines() if line.strip()]

def source(cell): return ''.join(cell['source'])


# Metadata

def test_the_three_metadata_files_agree():
    ini, toml = settings(), tomllib.loads((root/'pyproject.toml').read_text(encoding='utf8'))
    project, urls = toml['project'], toml['project']['urls']
    assert (project['name'], project['description'], project['requires-python']) == (ini['lib_name'], ini['description'], '>=' + ini['min_python'])
    assert (urls['Repository'], urls['Documentation']) == (ini['git_url'], ini['doc_url'])
    assert yaml.safe_load((root/'_quarto.yml').read_text(encoding='utf8'))['website']['title'] == toml['tool']['nbdev']['title'] == ini['lib_name']

def test_the_installed_metadata_is_that_of_settings():
    from packaging.requirements import Requirement
    import tokernels
    ini, found = settings(), importlib.metadata.distribution('tokernels')
    meta = found.metadata
    assert (meta['Name'], meta['Version'], meta['Summary'], meta['Requires-Python']) == (ini['lib_name'], tokernels.__version__, ini['description'], '>=' + ini['min_python'])
    declared = {(r.name, str(r.specifier), 'extra' in str(r.marker or '')) for r in map(Requirement, found.requires)}
    wanted = {(r.name, str(r.specifier), key == 'dev_requirements') for key in ('requirements', 'dev_requirements') for r in requirements(key)}
    assert declared == wanted, 'settings.ini changed after the installation: install again'
    scripts = found.entry_points.select(group='console_scripts')
    assert [s.name for s in scripts] == ['tokernels'] and callable(scripts['tokernels'].load())


# Notebooks

def shows(cell):
    "Whether running a cell must leave an output: it prints at its top level, or ends in a name."
    try: body = ast.parse(re.sub(r'^\s*[%!].*$', '', source(cell), flags=re.M)).body
    except SyntaxError: return False
    values = [s.value for s in body if isinstance(s, ast.Expr)]
    printed = any(isinstance(v, ast.Call) and isinstance(v.func, ast.Name) and v.func.id == 'print' for v in values)
    return printed or bool(body) and isinstance(body[-1], ast.Expr) and isinstance(body[-1].value, (ast.Name, ast.Attribute, ast.Subscript)) and not source(cell).rstrip().endswith(';')

def problems(notebook, is_page=False):
    "What a notebook lacks."
    cells, found = notebook['cells'], []
    markdown = [source(c) for c in cells if c['cell_type'] == 'markdown']
    code = [c for c in cells if c['cell_type'] == 'code']
    if any(isinstance(c['source'], str) for c in cells): found.append('a source is a string and not a list of lines')
    if not is_page and (not code or not re.match(r'#\| default_exp \w', source(cells[0]))): found.append('the first cell names no module')
    title = re.match(r'# \S.*\n\n?> (\S.*)', markdown[0]) if markdown else None
    if not title: found.append('no title with a description below it')
    elif '\\' in title[1]: found.append('a backslash in the description')
    if not code or source(code[-1]).split() != '#| hide import nbdev; nbdev.nbdev_export()'.split() or cells[-1] != code[-1]: found.append('the last cell does not export')
    for c in code:
        if any(o['output_type'] == 'error' for o in c['outputs']): found.append(f'a stored error: {source(c)[:60]!r}')
        if 'ipykernel_' in json.dumps(c['outputs']): found.append(f'a path of one machine in an output: {source(c)[:60]!r}')
        skipped = re.search(r'^#\|\s*(eval:\s*false|hide\b|gpu\b|slow\b|net\b)', source(c), re.M)
        if re.search(r'plt\.show\(\)|display\(fig', source(c)) and not skipped and not re.search(r'image/(svg|png)', json.dumps(c['outputs'])): found.append(f'no stored figure: {source(c)[:60]!r}')
        if shows(c) and not c['outputs'] and not skipped: found.append(f'no stored output: {source(c)[:60]!r}')
    if not any(c['outputs'] for c in code): found.append('no stored output at all')
    return found

@pytest.mark.parametrize('path', **by_path)
def test_notebook_is_complete(path):
    assert problems(json.loads(path.read_text(encoding='utf8')), path.name in ('index.ipynb', 'catalogue.ipynb')) == []
    assert path.stat().st_size <= 300_000, f'{path.stat().st_size} bytes: outputs are too large'

def test_every_fault_of_a_notebook_is_found():
    def cell(kind, *lines, outputs=()): return dict(cell_type=kind, source=list(lines), **(dict(outputs=list(outputs)) if kind == 'code' else {}))
    out, export = dict(output_type='stream', text=['1\n']), cell('code', '#| hide\n', 'import nbdev; nbdev.nbdev_export()')
    good = dict(cells=[cell('code', '#| default_exp x'), cell('markdown', '# Title\n', '> words'), cell('code', 'print(1)', outputs=[out]), export])
    assert problems(good) == []
    def broken(at, **changes):
        notebook = copy.deepcopy(good)
        notebook['cells'][at] |= changes
        return problems(notebook)
    assert broken(0, source=['x = 1']) == ['the first cell names no module']
    assert broken(2, source=['print(1); plt.show()'])[0].startswith('no stored figure')
    assert broken(1, source=['# Title']) == ['no title with a description below it']
    assert broken(1, source=['# Title\n', '> $\\alpha$']) == ['a backslash in the description']
    assert broken(2, source='print(1)') == ['a source is a string and not a list of lines']
    assert broken(2, outputs=[]) == ["no stored output: 'print(1)'", 'no stored output at all']
    assert broken(2, source=['x = 1\n', 'x'], outputs=[])[0] == "no stored output: 'x = 1\\nx'"
    assert broken(2, outputs=[dict(output_type='stream', text=['/tmp/ipykernel_1/2.py: a warning'])]) == ["a path of one machine in an output: 'print(1)'"]
    assert broken(2, outputs=[dict(output_type='error')]) == ["a stored error: 'print(1)'"]
    assert broken(3, source=['x = 1']) == ['the last cell does not export']

def listed():
    "Files of the checkout that git keeps or would keep."
    call = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard', '-z'], cwd=root, capture_output=True, text=True)
    if call.returncode: pytest.skip('not a git checkout')
    return [root/name for name in call.stdout.split('\0') if name and (root/name).is_file()]

def test_the_checkout_is_small():
    assert sum(p.stat().st_size for p in listed()) <= 55e6


# Pages

def links(text):
    "Relative targets of links and images in Markdown, outside code."
    text = re.sub(r'(`{3,}).*?\1|`[^`\n]*`|\$\$.*?\$\$', '', text, flags=re.S)
    return [t for t in re.findall(r'\]\(([^)\s#]+)[^)]*\)', text) if not re.match(r'[a-z]+:|/', t)]

@pytest.mark.parametrize('path', **by_path)
def test_links_resolve(path):
    text = '\n'.join(source(c) for c in json.loads(path.read_text(encoding='utf8'))['cells'] if c['cell_type'] == 'markdown')
    assert [t for t in links(text) if not (path.parent/t).exists()] == []

def test_links_are_seen():
    assert links('[a](b.ipynb) ![](c/d.png) [e](https://f.g) `[h](i)` [j](#k)\n```\n[l](m)\n```') == ['b.ipynb', 'c/d.png']

def sidebar(contents):
    "Entries of a Quarto sidebar."
    for entry in [contents] if isinstance(contents, str) else contents:
        if isinstance(entry, str): yield entry
        elif 'auto' in entry: yield entry['auto']
        else: yield from sidebar(entry['contents'])

def test_the_sidebar_lists_every_page_once():
    entries = list(sidebar(yaml.safe_load((root/'_quarto.yml').read_text(encoding='utf8'))['website']['sidebar']['contents']))
    pages = [p.relative_to(root/'nbs').as_posix() for p in [*notebooks, *(root/'nbs').rglob('*.qmd')] if '_proc' not in p.parts]
    assert {p: [e for e in entries if fnmatch.fnmatch(p, e)] for p in pages if sum(fnmatch.fnmatch(p, e) for e in entries) != 1} == {}
    assert [e for e in entries if not fnmatch.filter(pages, e)] == []
    assert (root/'nbs'/'_quarto.yml').resolve() == root/'_quarto.yml'

def test_readme_is_made_from_the_index(tool):
    assert tool('readme').main(['--check']) == 0

def test_readme_has_the_two_commands_on_its_first_screen():
    head = (root/'README.md').read_text(encoding='utf8').splitlines()[:30]
    assert 'pip install . && tokernels demo "def read_lines(path):"' in head and 'pip install -e ".[dev]" && nbdev-test && pytest -q tests' in head

def test_how_a_notebook_becomes_a_readme(tool):
    def code(*lines, **data): return dict(cell_type='code', source=list(lines), outputs=[dict(output_type='execute_result', data=data)] if data else [])
    text, files = tool('readme').make(dict(cells=[
        dict(cell_type='markdown', source=['#| export\n', 'see [models](00_models.ipynb), [out](https://a.b)']), code('#| hide\n', 'secret'),
        code('#| hide_input\n', 'quiet', **{'text/markdown': ['| a |'], 'text/plain': 'no'}),
        code('#| eval: false\n', 'x', **{'text/plain': ['\x1b[32mgreen\x1b[0m\n', '```']}), code('#| fig-alt: "a curve"\n', 'plot()', **{'image/svg+xml': '<svg/>'})]))
    assert text.split('\n\n')[1:] == ['see [models](nbs/00_models.ipynb), [out](https://a.b)', '| a |', '```python\nx\n```', '````text\ngreen\n```\n````',
                                      '```python\nplot()\n```', '![a curve](nbs/images/readme_4_0.svg)\n']
    assert files == {Path('nbs/images/readme_4_0.svg'): '<svg/>'}
    with pytest.raises(ValueError, match='readme_0_0: the figure has no alternative text'): tool('readme').make(dict(cells=[code('plot()', **{'image/svg+xml': '<svg/>'})]))


def test_tables_of_the_chapters_are_current(tool):
    tables = tool('tables')
    assert tables.main(['--check']) == 0
    page = tables.placed('a\n' + ''.join(tables.marks) + '\nb', '| new |\n')
    assert page.startswith('a\n') and page.endswith('\nb') and tables.placed(page, '| new |\n') == page != tables.placed(page, '| newer |\n')
    with pytest.raises(ValueError, match='once'): tables.placed('no marks', 'x')


# Modules

unsafe_modules = {'pickle', 'cPickle', 'dill', 'cloudpickle', 'joblib', 'shelve', 'marshal'}

def unsafe(text):
    "Imports of serialisers that can run code, loads that allow them, and trust in remote code."
    for node in ast.walk(ast.parse(text)):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ''] if isinstance(node, ast.ImportFrom) else []
        yield from (n for n in names if n.split('.')[0] in unsafe_modules)
        if isinstance(node, ast.Call):
            given = {k.arg: getattr(k.value, 'value', None) for k in node.keywords}
            yield from (k for k in ('trust_remote_code', 'allow_pickle') if given.get(k))
            if ast.unparse(node.func) == 'torch.load' and given.get('weights_only') is not True: yield 'torch.load'

def test_modules_never_run_what_they_load():
    assert {p.name: found for p in modules if (found := list(unsafe(p.read_text(encoding='utf8'))))} == {}

def test_unsafe_loading_is_seen():
    for text in ('import pickle', 'from joblib import load', 'def f():\n    import dill', 'f(trust_remote_code=True)', 'np.load(p, allow_pickle=True)', 'torch.load(p)', 'torch.load(p, weights_only=False)'):
        assert list(unsafe(text)), text
    assert not list(unsafe("torch.load(p, weights_only=True)\nkwargs.pop('trust_remote_code', False)\nf(trust_remote_code=False)"))

alone = '''
import importlib, importlib.machinery, socket, sys
hidden = set(sys.argv[1].split(","))
class Installed(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None): return None if name.partition(".")[0] in hidden else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(importlib.machinery.PathFinder)] = Installed
def refuse(*args, **kwargs): raise OSError(f"network: {args}")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
for name in sys.argv[2:]: importlib.import_module(name)
'''

def import_alone(names, folder=root):
    "Import modules in a fresh interpreter with no network, in which what only the dev extra brings is not installed."
    extra = {r.name.lower() for r in requirements('dev_requirements')} - {r.name.lower() for r in requirements('requirements')}
    hidden = [top for top, dists in importlib.metadata.packages_distributions().items() if {d.lower() for d in dists} & extra]
    assert {'scipy', 'django', 'pytest', 'nbdev', 'hypothesis', 'importlinter'} <= set(hidden)
    return subprocess.run([sys.executable, '-c', alone, ','.join(hidden), *names], cwd=folder, capture_output=True, text=True,
                          env=os.environ | {'PYTHONPATH': str(folder), 'CUDA_VISIBLE_DEVICES': ''})

def test_modules_import_without_the_dev_extra_and_without_network():
    names = ['.'.join(p.relative_to(root).with_suffix('').parts).removesuffix('.__init__') for p in modules]
    assert 'tokernels' in names and 'tokernels.models' in names
    call = import_alone(names)
    assert call.returncode == 0, call.stderr

@pytest.mark.parametrize('text, name', [('import scipy', 'scipy'), ('import nbdev.export', 'nbdev'), ('import urllib.request as r; r.urlopen("http://127.0.0.1:9/")', 'network')])
def test_a_module_that_needs_more_is_seen(text, name, tmp_path):
    (tmp_path/'needy.py').write_text(text)
    call = import_alone(['needy'], tmp_path)
    assert call.returncode and name in call.stderr.splitlines()[-1]
