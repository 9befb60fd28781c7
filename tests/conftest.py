"""What several test files need."""
import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope='session')
def tool():
    "A module of tools/, by name."
    def load(name):
        spec = importlib.util.spec_from_file_location(name, Path(__file__).resolve().parent.parent/'tools'/f'{name}.py')
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    return load
