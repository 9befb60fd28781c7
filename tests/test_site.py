"""Pages in a real browser, drawn from stored outputs without Quarto and without network, and the stepper's buttons in a live JupyterLab.
Debian's chromium and chromedriver (or Google Chrome and its driver) and selenium are needed, and jupyterlab for the last one."""
import importlib.util
import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest
import yaml

root = Path(__file__).resolve().parent.parent
notebooks = sorted(p for p in (root/'nbs').rglob('*.ipynb') if not any(part[0] in '._' for part in p.relative_to(root).parts))
pages = ['index', 'catalogue', '04_show', '10_token_recycling', '10_h2o']
browser = next((b for b in map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome', 'chrome')) if b), None)
driver = shutil.which('chromedriver')
missing = [name for name, there in (('a chromium', browser), ('chromedriver', driver), ('selenium', importlib.util.find_spec('selenium'))) if not there]
lab = importlib.util.find_spec('jupyterlab')

def in_browser(test):
    "A test that needs a browser; all of them share one."
    return pytest.mark.skipif(bool(missing), reason=f'needs {" and ".join(missing)}')(pytest.mark.xdist_group('browser')(test))


@pytest.fixture(scope='module')
def chrome(tmp_path_factory):
    "A headless browser that reaches this machine and nothing else."
    from selenium import webdriver
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ('--headless=new', '--disable-dev-shm-usage', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--disable-background-networking',
                     f'--user-data-dir={tmp_path_factory.mktemp("profile")}', '--window-size=1200,900', '--no-first-run'): options.add_argument(argument)
    if hasattr(os, 'getuid') and os.getuid() == 0: options.add_argument('--no-sandbox')      # chromium refuses its sandbox to root
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    driver_ = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    driver_.set_page_load_timeout(60)
    yield driver_
    driver_.quit()

@pytest.fixture(scope='module')
def rendered(tmp_path_factory, tool):
    "Page of a notebook, by name and theme, written once."
    folder, pages, made = tmp_path_factory.mktemp('pages'), tool('page'), {}
    def get(name, dark=False):
        if (name, dark) not in made:
            path = folder/f'{name}{"-dark" if dark else ""}.html'
            path.write_text(pages.page(next((root/'nbs').rglob(f'{name}.ipynb')), dark), encoding='utf8')
            made[name, dark] = path
        return made[name, dark]
    return get

@pytest.mark.parametrize('path', notebooks, ids=lambda p: p.relative_to(root/'nbs').as_posix())
def test_a_notebook_opens_in_jupyter(path): nbformat.validate(nbformat.from_dict(json.loads(path.read_text(encoding='utf8'))))

def faults(notebook, alternatives):
    "Cells whose figures have no alternative texts."
    for cell in notebook.cells:
        kinds = [output.get('data', {}) for output in cell.get('outputs', [])]
        figures, texts = sum(any(kind.startswith('image/') for kind in k) for k in kinds), alternatives(cell.source)
        if figures and (len(texts) != figures or not all(map(str.strip, texts))): yield f'{figures} figures, {len(texts)} alternative texts (#| fig-alt: "…"): {cell.source[:60]!r}'

@pytest.mark.parametrize('path', notebooks, ids=lambda p: p.relative_to(root/'nbs').as_posix())
def test_figures_are_described(path, tool):
    assert list(faults(nbformat.read(path, 4), tool('page').alternatives)) == []

def test_an_output_that_jupyter_refuses_is_seen():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('1', outputs=[nbformat.v4.new_output('execute_result', data={'text/plain': '1'})])])
    nbformat.validate(notebook)
    del notebook.cells[0].outputs[0]['execution_count']
    with pytest.raises(nbformat.ValidationError, match='execution_count'): nbformat.validate(notebook)

def test_undescribed_figures_are_seen(tool):
    def found(source, *kinds):
        cell = nbformat.v4.new_code_cell(source, outputs=[nbformat.v4.new_output('display_data', data={kind: ''}) for kind in kinds])
        return [fault.split(',')[0].split(':')[0] for fault in faults(nbformat.v4.new_notebook(cells=[cell]), tool('page').alternatives)]
    svg = 'image/svg+xml'
    assert found('#| fig-alt: "a curve"\nplot()', svg) == found('#| fig-alt: a curve, bare\nplot()', 'image/png') == found('#| fig-alt: ["a", "b"]\nplot()', svg, svg) == found('plot()', 'text/html') == []
    assert found('plot()', svg) == found('#| fig-alt: ""\nplot()', svg) == ['1 figures']
    assert found('#| fig-alt: "a"\nplot()', svg, svg) == found('#| fig-alt: ["a", " "]\nplot()', svg, svg) == ['2 figures']

def test_links_in_stored_html_lead_to_pages():
    from nbdev.config import nbpath2html
    sources = [p.relative_to(root/'nbs') for p in [*notebooks, *(root/'nbs').rglob('*.qmd')] if '_proc' not in p.parts]
    there = {nbpath2html(p).as_posix() for p in sources}
    assert {'index.html', 'speculate/index.html', 'speculate/token_recycling.html'} <= there
    wrong = []
    for path in notebooks:
        for cell in nbformat.read(path, 4).cells:
            for output in cell.get('outputs', []):
                for target in re.findall(r'href="([^"#]+)', output.get('data', {}).get('text/html', '')):
                    if not re.match('[a-z]+:', target) and os.path.normpath(path.relative_to(root/'nbs').parent/target) not in there: wrong.append((path.name, target))
    assert wrong == []

def test_the_package_index_shows_the_readme_with_links_that_work():
    call = subprocess.run([sys.executable, 'setup.py', '--quiet', '--long-description'], cwd=root, capture_output=True, text=True, encoding='utf8')
    assert call.returncode == 0, call.stderr
    targets = re.findall(r'\]\(([^)\s]+)\)', call.stdout)
    assert [t for t in targets if not t.startswith('https://')] == []
    assert any('/blob/main/nbs/' in t for t in targets) and any(re.fullmatch(r'https://raw\.githubusercontent\.com/[\w/.-]+\.svg', t) for t in targets)

def test_what_a_page_shows(tool):
    cell, text = nbformat.v4.new_code_cell, nbformat.v4.new_output('stream', text='1')
    widget = nbformat.v4.new_output('display_data', data={'application/vnd.jupyter.widget-view+json': {}, 'text/plain': 'bar'})
    figure = nbformat.v4.new_output('display_data', data={'image/svg+xml': '<svg/>'})
    page = tool('page').prepared(nbformat.v4.new_notebook(cells=[
        cell('#| default_exp x'), cell('#| hide\nx'), cell('#| export\nf()', outputs=[text, widget]), cell('#| hide_input\n#| fig-alt: "a curve"\nplot()', outputs=[figure])]))
    first, second = page.cells
    assert first.source == 'f()' and first.outputs == [text]
    assert second.outputs[0].metadata.alt == 'a curve' and second.metadata.transient.remove_source


# Pages

def screen(chrome, width, height=844):
    chrome.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', dict(width=width, height=height, deviceScaleFactor=1, mobile=width < 600))

def opened(chrome, path, width=1200):
    "Open a file at a screen width; the errors of its console."
    screen(chrome, width)
    chrome.get_log('browser')
    chrome.get(path.as_uri())
    return [entry['message'] for entry in chrome.get_log('browser') if entry['level'] == 'SEVERE']


wide = '''
const over = [], limit = document.documentElement.clientWidth;
for (const e of document.body.querySelectorAll('*')) {
    let inside = false;
    for (let p = e.parentElement; p; p = p.parentElement) if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(p).overflowX)) inside = true;
    if (!inside && e.getBoundingClientRect().right > limit + 1) over.push(e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 40));
}
return [window.innerWidth, document.documentElement.scrollWidth, over.slice(0, 5)]'''
nameless = '''
const named = e => [e.getAttribute('alt'), e.getAttribute('aria-label'), e.querySelector(':scope > title')?.textContent].some(t => t && t.trim());
return [...document.querySelectorAll('img, svg, canvas')].filter(e => !named(e) && !e.closest('[role=img][aria-label], a[aria-label], button, [aria-hidden=true]')).map(e => e.outerHTML.slice(0, 80))'''
transparent = '''
return Promise.all([...document.querySelectorAll('img')].map(async e => {
    await e.decode();
    const c = document.createElement('canvas'); c.width = e.naturalWidth; c.height = e.naturalHeight;
    c.getContext('2d').drawImage(e, 0, 0);
    const drawn = c.getContext('2d').getImageData(2, 2, 1, 1).data[3] == 255, ground = getComputedStyle(e).backgroundColor;
    return drawn || !/rgba\\(.*, 0\\)|transparent/.test(ground) ? null : e.alt;
})).then(found => found.filter(x => x !== null))'''
faint = '''
const channel = v => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
const light = c => .2126 * channel(c[0]) + .7152 * channel(c[1]) + .0722 * channel(c[2]);
const rgba = s => { const n = s.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
const found = {}, texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let t; t = texts.nextNode();) {
    const e = t.parentElement;
    if (!t.data.trim() || !e.getClientRects().length || e.closest('svg, script, style, .anchor-link')) continue;
    let ground = [255, 255, 255, 1];
    for (let p = e; p; p = p.parentElement) { const c = rgba(getComputedStyle(p).backgroundColor); if (c[3] == 1) { ground = c; break; } }
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground)].sort((x, y) => x - y), ratio = (b + .05) / (a + .05);
    if (ratio < 3) found[e.tagName + '.' + e.className + ' ' + getComputedStyle(e).color + ' on ' + ground] = t.data.trim().slice(0, 30) + ' ' + ratio.toFixed(2);
}
return found'''

@in_browser
@pytest.mark.parametrize('name', pages)
def test_a_page_opens_without_errors_and_without_network(name, chrome, rendered):
    assert opened(chrome, rendered(name)) == []
    assert chrome.title and chrome.execute_script('return document.querySelectorAll("h1").length') == 1
    assert [r for r in chrome.execute_script('return performance.getEntriesByType("resource").map(r => r.name)') if not r.startswith('data:')] == []

@in_browser
@pytest.mark.parametrize('name', pages)
def test_a_page_is_small_and_quick(name, chrome, rendered):
    assert rendered(name).stat().st_size < 2_000_000
    took = []
    for _ in range(3):
        opened(chrome, rendered(name))
        took.append(chrome.execute_script('const n = performance.getEntriesByType("navigation")[0]; return n.loadEventEnd - n.startTime'))
    assert 0 < min(took) < 1000, f'milliseconds: {took}'

@in_browser
@pytest.mark.parametrize('name', pages)
def test_every_picture_has_an_alternative_text(name, chrome, rendered):
    opened(chrome, rendered(name))
    assert chrome.execute_script(nameless) == []

@in_browser
@pytest.mark.parametrize('name', pages)
def test_a_page_does_not_scroll_sideways_on_a_phone(name, chrome, rendered):
    opened(chrome, rendered(name), width=390)
    inner, scroll, over = chrome.execute_script(wide)
    assert (inner, scroll, over) == (390, 390, [])

@in_browser
@pytest.mark.parametrize('name', pages)
def test_a_page_is_readable_in_the_dark(name, chrome, rendered):
    assert opened(chrome, rendered(name, dark=True)) == []
    assert chrome.execute_script(transparent) == []
    assert chrome.execute_script(faint) == {}

@in_browser
def test_faults_of_a_page_are_seen(chrome, tmp_path):
    page = tmp_path/'page.html'
    page.write_text('''<meta name="viewport" content="width=device-width"><body style="background: #111"><script>console.error('planted')</script>
        <svg aria-hidden="true"></svg><svg width="9" height="9"></svg><img alt="" src="data:,"><p style="color: #222">unreadable</p><pre style="width: 900px">wide</pre>
        <img alt="ink without ground" src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E">''')
    assert any('planted' in m for m in opened(chrome, page, width=390))
    assert len(chrome.execute_script(nameless)) == 2
    assert list(chrome.execute_script(faint)) == ['P. rgb(34, 34, 34) on 17,17,17,1', 'PRE. rgb(0, 0, 0) on 17,17,17,1']
    assert any(o.startswith('PRE') for o in chrome.execute_script(wide)[2])
    page.write_text('''<body style="background: #111"><img alt="no ground" src="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/%3E">''')
    opened(chrome, page)
    assert chrome.execute_script(transparent) == ['no ground']

@in_browser
def test_the_catalogue_is_searched(chrome, rendered):
    from selenium.webdriver.common.by import By
    from tokernels.papers import catalogue
    opened(chrome, rendered('catalogue'))
    box = chrome.find_element(By.CSS_SELECTOR, 'input[type=search]')
    shown = lambda: [r.text for r in chrome.find_elements(By.CSS_SELECTOR, '#catalogue tbody tr') if r.is_displayed()]
    assert len(shown()) == len(catalogue()) == 147
    box.send_keys('KVCACHE')
    found = shown()
    assert 0 < len(found) < 147 and all('kvcache' in r.lower() for r in found) and len(found) >= sum(p.chapter == 'kvcache' for p in catalogue())
    box.clear(); box.send_keys('not reproduced')
    assert 0 < len(shown()) < 147 and all('not reproduced' in r for r in shown())
    box.clear(); box.send_keys('no such paper')
    assert shown() == []
    box.clear(); box.send_keys('token recycling')
    assert len(shown()) >= 1 and chrome.find_element(By.LINK_TEXT, 'Token Recycling').is_displayed()


# JupyterLab

steps = '''
from types import SimpleNamespace
from tokernels.show import Stepper
step = lambda path, *emitted: SimpleNamespace(tokens=[65, 66, 67], parents=[-1, 0, 0], accepted=path, bonus=emitted[-1], emitted=list(emitted))
Stepper([step([1], 66, 68), step([], 69), step([2], 67, 70)], lambda ids: bytes(ids).decode(), prompt=[65])
'''

@pytest.fixture
def jupyter(tmp_path):
    "Address of a JupyterLab that serves a folder with one notebook, with settings of its own."
    kernel = tmp_path/'data'/'kernels'/'python3'
    kernel.mkdir(parents=True); (tmp_path/'work').mkdir()
    (kernel/'kernel.json').write_text(json.dumps(dict(argv=[sys.executable, '-m', 'ipykernel_launcher', '-f', '{connection_file}'], display_name='Python 3', language='python')))
    meta = dict(kernelspec=dict(name='python3', display_name='Python 3', language='python'))
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(steps.strip())], metadata=meta), tmp_path/'work'/'stepper.ipynb')
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    token, url = secrets.token_hex(16), f'http://127.0.0.1:{port}'
    environment = os.environ | dict(JUPYTER_CONFIG_DIR=str(tmp_path/'config'), JUPYTER_DATA_DIR=str(tmp_path/'data'), JUPYTER_RUNTIME_DIR=str(tmp_path/'run'), IPYTHONDIR=str(tmp_path/'ipython'),
                                    JUPYTERLAB_SETTINGS_DIR=str(tmp_path/'settings'), JUPYTERLAB_WORKSPACES_DIR=str(tmp_path/'spaces'), PYTHONPATH=str(root))
    command = [sys.executable, '-m', 'jupyterlab', '--no-browser', '--expose-app-in-browser', '--ip=127.0.0.1', f'--ServerApp.port={port}', '--ServerApp.port_retries=0', f'--IdentityProvider.token={token}',
               f'--ServerApp.root_dir={tmp_path/"work"}', '--LabApp.news_url=None', '--LabApp.check_for_updates_class=jupyterlab.handlers.announcements.NeverCheckForUpdate']
    if hasattr(os, 'getuid') and os.getuid() == 0: command.append('--allow-root')
    with open(tmp_path/'log', 'w') as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            for _ in range(120):
                assert server.poll() is None, (tmp_path/'log').read_text()
                try: urllib.request.urlopen(f'{url}/api/status?token={token}', timeout=2).read(); break
                except (urllib.error.URLError, OSError): time.sleep(.5)
            else: raise AssertionError((tmp_path/'log').read_text())
            yield lambda path: f'{url}/{path}?token={token}'
        finally:
            server.terminate()
            try: server.wait(20)
            except subprocess.TimeoutExpired: server.kill()

@in_browser
@pytest.mark.skipif(lab is None, reason='needs jupyterlab')
def test_the_steppers_buttons_work_in_jupyterlab(chrome, jupyter):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
    wait = WebDriverWait(chrome, 90)
    screen(chrome, 1200)
    chrome.get(jupyter('lab/tree/stepper.ipynb'))
    wait.until(lambda c: c.execute_script('return !!window.jupyterapp && !!document.querySelector(".jp-Notebook .jp-CodeCell")'))
    wait.until(lambda c: c.execute_script('const s = window.jupyterapp.shell.currentWidget?.context?.sessionContext; return s?.session?.kernel?.status == "idle"'))
    chrome.execute_async_script('window.jupyterapp.commands.execute("notebook:run-all-cells").then(arguments[0])')
    def button(name): return next(b for b in chrome.find_elements(By.CSS_SELECTOR, '.jupyter-widgets.widget-button') if b.text.strip() == name)
    page = lambda: chrome.find_element(By.CSS_SELECTOR, '.widget-html [role=img]')
    wait.until(lambda c: c.find_elements(By.CSS_SELECTOR, '.widget-html [role=img] svg'))
    seen = []
    def step(number):
        wait.until(lambda c: f'step {number} of 3' in page().get_attribute('aria-label'))
        seen.append(page().find_element(By.TAG_NAME, 'svg').get_attribute('outerHTML'))
        return chrome.find_element(By.CSS_SELECTOR, '.widget-html mark').text
    assert step(1) == 'BD' and not button('previous').is_enabled()
    button('next').click(); assert step(2) == 'E' and button('previous').is_enabled()
    button('next').click(); assert step(3) == 'CF' and not button('next').is_enabled()
    button('previous').click(); assert step(2) == 'E'
    assert len(set(seen)) == 3 and seen[1] == seen[3]


# Workflows

def workflows():
    return {p.stem: yaml.load(p.read_text(encoding='utf8'), yaml.BaseLoader) for p in (root/'.github'/'workflows').glob('*.yml')}      # without types, since YAML reads `on` as a truth value

def commands(workflow): return '\n'.join(step.get('run', '') for job in workflow['jobs'].values() for step in job['steps'])

def actions(workflow): return [step['uses'] for job in workflow['jobs'].values() for step in job['steps'] if 'uses' in step]

def test_the_workflows_do_what_they_are_for():
    from configparser import ConfigParser
    flows = workflows()
    assert set(flows) == {'test', 'docs', 'newest', 'release'}
    settings = ConfigParser(delimiters=['='])
    settings.read(root/'settings.ini', encoding='utf8')
    versions = flows['test']['jobs']['test']['strategy']['matrix']['python']
    assert versions[0] == settings['DEFAULT']['min_python'] and f'Python {versions[0]} to {versions[-1]}' in (root/'README.md').read_text(encoding='utf8')
    assert set(flows['test']['on']) == {'push', 'pull_request'} and 'nbdev-test' in commands(flows['test']) and 'pytest' in commands(flows['test'])
    assert 'nbdev-docs' in commands(flows['docs']) and any(a.startswith('quarto-dev/') for a in actions(flows['docs'])) and flows['docs']['jobs']['deploy']['needs'] == 'build'
    minute, hour, day, month, weekday = flows['newest']['on']['schedule'][0]['cron'].split()
    assert (day, month) == ('*', '*') and weekday.isdigit() and re.search(r'--upgrade.* transformers', commands(flows['newest'])) and 'pytest' in commands(flows['newest'])
    publish = flows['release']['jobs']['publish']
    assert flows['release']['on']['push']['tags'] == ['v*'] and publish['permissions'] == {'id-token': 'write'} and publish['needs'] == 'build'
    assert [s for s in publish['steps'] if s['uses'].startswith('pypa/')][0].get('with', {}).keys().isdisjoint({'user', 'password'})      # trusted publishing needs no secret

@pytest.mark.parametrize('name', sorted(p.stem for p in (root/'.github'/'workflows').glob('*.yml')))
def test_a_workflow_is_well_formed(name):
    flow = workflows()[name]
    assert set(flow) <= {'name', 'on', 'permissions', 'concurrency', 'env', 'jobs', 'defaults'} and flow['name'] == name and 'permissions' in flow
    for job in flow['jobs'].values():
        assert job['runs-on'] and job['steps'] and all(('uses' in s) != ('run' in s) for s in job['steps'])
        assert set([job['needs']] if 'needs' in job else []) <= set(flow['jobs'])
    assert all(re.fullmatch(r'[\w.-]+/[\w./-]+@(v\d+|release/v\d+)', a) for a in actions(flow))
