"""Writing changed notebooks: each at once and whole, and all of them or none."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import Refusal, Refusals
from .language import _


@dataclass(frozen=True)
class Replacement:
    """A file's bytes as they were read, and those that take their place."""

    path: Path
    before: bytes
    after: bytes


@dataclass(frozen=True)
class _Staged:
    """The new bytes on disk beside the file that they replace. `target` is no link: what links to it keeps doing so."""

    replacement: Replacement
    target: Path
    temporary: Path


def replace_files(replacements: Sequence[Replacement]) -> None:
    """Replace the files. Raises Refusals, and then no file is changed."""
    staged: list[_Staged] = []
    try:
        outcomes = [_stage(replacement) for replacement in replacements]
        staged = [one for one in outcomes if isinstance(one, _Staged)]
        if refusals := [one for one in outcomes if isinstance(one, Refusal)]:
            raise Refusals(refusals)
        _exchange(staged)
    finally:
        for one in staged:
            with contextlib.suppress(FileNotFoundError):
                one.temporary.unlink()


def _stage(replacement: Replacement) -> _Staged | Refusal:
    path = replacement.path
    try:
        target = path.resolve(strict=True)
        status = target.stat()
        # The bits, because root could write nevertheless.
        if not stat.S_IMODE(status.st_mode) & 0o222 or not os.access(target, os.W_OK):
            return Refusal(_("the file is read-only"), path)
        temporary = _write_beside(target, replacement.after, status)
    except OSError as error:
        return Refusal(_("it can't be written: %(reason)s", reason=error.strerror or error), path)
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
    """Put all in their places; the first that fails takes back those before it."""
    done: list[_Staged] = []
    try:
        for one in staged:
            if one.target.read_bytes() != one.replacement.before:
                raise Refusal(_("somebody has changed the file meanwhile"), one.replacement.path)
            one.temporary.replace(one.target)
            done.append(one)
    except (OSError, Refusal) as error:
        for one in done:
            _write_beside(one.target, one.replacement.before, one.target.stat()).replace(one.target)
        if isinstance(error, Refusal):
            raise Refusals([error]) from None
        path = staged[len(done)].replacement.path
        told = Refusal(_("it can't be written: %(reason)s", reason=error.strerror or error), path)
        raise Refusals([told]) from error
    for folder in {one.target.parent for one in staged}:
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    # Where a folder can't be opened (Windows), renaming is as durable as it gets.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
