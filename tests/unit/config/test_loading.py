"""What is loaded with Django, and what isn't."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from learntrace.config.loading import missing
from tests.support.paths import CHECKOUT

# What stands at the head of loading.py and of logs.py; each is installed here, with a library or with the tests' tools.
OFFERED = ("requests", "markdown", "pygments", "click", "rich")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a package that nobody has loaded yet."""
    (tmp_path / "learntrace_offered.py").write_text("LOADED = True")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "learntrace_offered", raising=False)
    return "learntrace_offered"


def test_a_package_is_missing_while_others_load_and_there_for_who_wants_it_later(package: str) -> None:
    with missing(package), pytest.raises(ImportError):
        importlib.import_module(package)
    assert importlib.import_module(package).LOADED


def test_what_is_loaded_already_stays(package: str) -> None:
    loaded = importlib.import_module(package)
    with missing(package):
        assert importlib.import_module(package) is loaded
    assert sys.modules[package] is loaded


def test_a_fault_while_others_load_leaves_nothing_missing(package: str) -> None:
    with pytest.raises(ZeroDivisionError), missing(package):
        _ = 1 / 0
    assert importlib.import_module(package).LOADED


def test_the_collector_waits_while_modules_load_and_comes_less_often_afterwards() -> None:
    code = """
import gc
from learntrace.config.loading import uncollected
usual, *_ = gc.get_threshold()
with uncollected():
    print(gc.isenabled())
print(gc.isenabled(), gc.get_freeze_count() > 0, gc.get_threshold()[0] > usual)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "False\nTrue True True\n", "")


def test_a_process_that_has_loaded_django_has_loaded_nothing_that_libraries_only_offer() -> None:
    code = f"""
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "learntrace.config.settings"
from learntrace.config.loading import load_django
load_django()
from django.contrib.auth import get_user_model
print(get_user_model().__name__, *(name for name in {OFFERED!r} if name in sys.modules))
for name in {OFFERED!r}:
    __import__(name)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "User\n", "")
