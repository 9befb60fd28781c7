"""Everything that may change with a release lives in settings.ini; pyproject.toml keeps only what nbdev reads statically."""
import re
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

here = Path(__file__).parent
cfg = ConfigParser(delimiters=['='])
cfg.read(here / 'settings.ini', encoding='utf8')
cfg = cfg['DEFAULT']
lines = lambda key: [line for line in cfg[key].splitlines() if line.strip()]
version = re.search(r'^__version__ = "([^"]+)"', (here / cfg['lib_name'] / '__init__.py').read_text(encoding='utf8'), re.M)[1]

def on_the_index(text):
    "The README for the package index, where links relative to the checkout lead nowhere."
    raw = cfg['git_url'].replace('https://github.com', 'https://raw.githubusercontent.com') + '/main/'
    text = re.sub(r'(!\[[^\]]*\]\()(?![a-z]+:)', lambda m: m[1] + raw, text)
    return re.sub(r'(?<!!)(\[[^\]]*\]\()(?![a-z]+:|#)', lambda m: m[1] + cfg['git_url'] + '/blob/main/', text)

setup(
    version=version,
    license=cfg['license'],
    author=cfg['author'],
    author_email=cfg['author_email'],
    keywords=cfg['keywords'].split(),
    classifiers=['Intended Audience :: Science/Research', 'Intended Audience :: Developers',
                 'Programming Language :: Python :: 3', 'Programming Language :: Python :: 3 :: Only',
                 'Topic :: Scientific/Engineering :: Artificial Intelligence'],
    long_description=on_the_index((here / 'README.md').read_text(encoding='utf8')),
    long_description_content_type='text/markdown',
    packages=find_packages(include=[cfg['lib_name'], cfg['lib_name'] + '.*']),
    package_data={cfg['lib_name']: ['papers.csv', 'data/**/*.json', 'weights/*', 'weights/*/*']},
    install_requires=lines('requirements'),
    extras_require={'dev': lines('dev_requirements')},
    entry_points={'console_scripts': lines('console_scripts'), 'nbdev': [f"{cfg['lib_name']}={cfg['lib_name']}._modidx:d"]},
    zip_safe=False,
)
