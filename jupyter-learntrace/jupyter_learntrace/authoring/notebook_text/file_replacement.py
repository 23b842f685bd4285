"""Writes changed notebooks: each atomically, and either all of them or none."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_learntrace.authoring.errors import Refusal, Refusals
from jupyter_learntrace.authoring.language import _
from jupyter_learntrace.authoring.system_errors import reason_of


@dataclass(frozen=True)
class Replacement:
    """A file's bytes as they were read, and the new bytes."""

    path: Path
    before: bytes
    after: bytes


@dataclass(frozen=True)
class _Staged:
    """The new bytes in a temporary file beside `target`, which is resolved, so that links to it stay."""

    replacement: Replacement
    target: Path
    temporary: Path


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Replace the files. Raises Refusals, and then no file is changed."""
    staged: list[_Staged] = []
    try:
        outcomes = [_stage(replacement) for replacement in replacements]
        staged = [outcome for outcome in outcomes if isinstance(outcome, _Staged)]
        if refusals := [outcome for outcome in outcomes if isinstance(outcome, Refusal)]:
            raise Refusals(refusals)
        _exchange(staged)
    finally:
        for file in staged:
            with contextlib.suppress(FileNotFoundError):
                file.temporary.unlink()


def _stage(replacement: Replacement) -> _Staged | Refusal:
    path = replacement.path
    try:
        target = path.resolve(strict=True)
        status = target.stat()
        # Check the mode too, as os.access() always allows root to write.
        if not stat.S_IMODE(status.st_mode) & 0o222 or not os.access(target, os.W_OK):
            return Refusal(_("the file is read-only"), path)
        temporary = _write_beside(target, replacement.after, status)
    except OSError as error:
        return Refusal(_("it can't be written: %(reason)s", reason=reason_of(error)), path)
    return _Staged(replacement, target, temporary)


def _write_beside(target: Path, content: bytes, status: os.stat_result) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    temporary = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(stat.S_IMODE(status.st_mode))
        if hasattr(os, "chown") and (temporary.stat().st_uid, temporary.stat().st_gid) != (
            status.st_uid,
            status.st_gid,
        ):
            with contextlib.suppress(PermissionError):
                os.chown(temporary, status.st_uid, status.st_gid)
    except BaseException:
        temporary.unlink()
        raise
    return temporary


def _exchange(staged: Sequence[_Staged]) -> None:
    """Move all files into place. If one fails, restore those before it."""
    done: list[_Staged] = []
    try:
        for file in staged:
            if file.target.read_bytes() != file.replacement.before:
                raise Refusal(_("somebody changed the file in the meantime"), file.replacement.path)
            file.temporary.replace(file.target)
            done.append(file)
    except (OSError, Refusal) as error:
        for file in done:
            _write_beside(file.target, file.replacement.before, file.target.stat()).replace(file.target)
        if isinstance(error, Refusal):
            raise Refusals([error]) from None
        path = staged[len(done)].replacement.path
        refusal = Refusal(_("it can't be written: %(reason)s", reason=reason_of(error)), path)
        raise Refusals([refusal]) from error
    for folder in {file.target.parent for file in staged}:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    # Windows can't open a folder: renaming has to suffice there.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
