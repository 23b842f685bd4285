"""The distribution as it is built: everything lies where Jupyter looks for it, and what is missing is said."""

import email
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.jupyter_package.jupyter import PACKAGE

# What Node builds; here only its places matter.
BUILT = {
    "jupyter_learntrace/labextension/package.json": "{}",
    "jupyter_learntrace/labextension/static/remoteEntry.js": "",
    "jupyter_learntrace/nbextension/main.js": "",
    "jupyter_learntrace/nbextension/custom.js": "",
}
NOT_SOURCE = shutil.ignore_patterns("node_modules", "lib", "dist", "labextension", "nbextension", "__pycache__", "*.mo")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The distribution's source without anything built."""
    copy = tmp_path / "jupyter-learntrace"
    shutil.copytree(PACKAGE, copy, ignore=NOT_SOURCE)
    return copy


def with_front_ends(source: Path) -> Path:
    for path, text in BUILT.items():
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        (source / path).write_text(text)
    return source


def build(source: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", *words]
    return subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_a_wheel_enables_itself_in_every_front_end(source: Path) -> None:
    built = build(with_front_ends(source), "-t", "wheel")
    assert built.returncode == 0, built.stderr
    (wheel,) = (source / "dist").glob("jupyter_learntrace-*-py3-none-any.whl")
    found = names(wheel)
    data = f"{wheel.name.split('-py3')[0]}.data/data"
    assert {name for name in found if name.startswith(data)} == {
        f"{data}/share/jupyter/labextensions/jupyter-learntrace/package.json",
        f"{data}/share/jupyter/labextensions/jupyter-learntrace/static/remoteEntry.js",
        f"{data}/share/jupyter/labextensions/jupyter-learntrace/install.json",
        f"{data}/share/jupyter/nbextensions/jupyter-learntrace/main.js",
        f"{data}/share/jupyter/nbextensions/jupyter-learntrace/custom.js",
        f"{data}/etc/jupyter/jupyter_server_config.d/jupyter-learntrace.json",
        f"{data}/etc/jupyter/jupyter_notebook_config.d/jupyter-learntrace.json",
        f"{data}/etc/jupyter/nbconfig/notebook.d/jupyter-learntrace.json",
    }
    assert "jupyter_learntrace/locale/es/LC_MESSAGES/jupyter_learntrace.mo" in found
    twice = ("jupyter_learntrace/labextension", "jupyter_learntrace/nbextension")
    assert not [name for name in found if name.startswith(twice)]
    with zipfile.ZipFile(wheel) as archive:
        for name in found:
            if name.startswith(f"{data}/etc"):
                json.loads(archive.read(name))
        dist_info = wheel.name.split("-py3")[0] + ".dist-info"
        commands = archive.read(f"{dist_info}/entry_points.txt").decode()
        metadata = email.message_from_bytes(archive.read(f"{dist_info}/METADATA"))
    assert "jupyter-learntrace = jupyter_learntrace.status:main" in commands
    assert "jupyter-assignments = jupyter_learntrace.authoring.cli:main" in commands
    required = {one.split(">")[0] for one in metadata.get_all("Requires-Dist", [])}
    assert required == {"jupyter-core", "traitlets", "tornado", "nbformat", "pyyaml"}


def test_a_wheel_without_its_front_ends_is_refused_with_what_to_do(source: Path) -> None:
    built = build(source, "-t", "wheel")
    assert built.returncode != 0
    assert "npm ci && npm run build" in built.stderr
    assert "Traceback" not in built.stderr
    assert not list(source.glob("dist/*.whl"))


def test_an_editable_install_needs_no_front_ends(source: Path) -> None:
    built = build(source, "-t", "wheel:editable")
    assert built.returncode == 0, built.stderr
    (wheel,) = (source / "dist").glob("*.whl")
    found = names(wheel)
    assert any(name.endswith("jupyter_server_config.d/jupyter-learntrace.json") for name in found)
    assert not [name for name in found if "labextensions" in name or "nbextensions" in name or "nbconfig" in name]


def test_a_wheel_can_be_built_again_from_the_source_distribution(source: Path, tmp_path: Path) -> None:
    built = build(with_front_ends(source), "-t", "sdist")
    assert built.returncode == 0, built.stderr
    (archive,) = (source / "dist").glob("*.tar.gz")
    shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
    (again,) = (tmp_path / "unpacked").iterdir()
    assert build(again, "-t", "wheel").returncode == 0
    kept = {path.relative_to(again).as_posix() for path in again.rglob("*") if path.is_file()}
    assert {"src/core/events.ts", "package-lock.json", "hatch_build.py", "LICENSE", "README.md"} <= kept
    assert not [path for path in kept if "node_modules" in path]
