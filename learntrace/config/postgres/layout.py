"""Folders of an installation's embedded database, and the machine account that owns them.

Everything is in one folder, `<home>/postgres`:

    data/       PostgreSQL's data         run/      its socket, for its account alone
    log, log.1  the server's log          binaries/ a copy of its programs, only if its account cannot reach ours

PostgreSQL refuses to run as root. For root it runs as another account, and when that account cannot enter the home (a
folder above it is closed, as /root is), all this is under /var/lib/learntrace and `<home>/postgres` is a link to it.
The folders above a home are never changed.
"""

import hashlib
import logging
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from learntrace.config.postgres.binaries import EmbeddedPostgresError
from learntrace.config.runtime.processes import Account

log = logging.getLogger("learntrace.postgres")

ACCOUNTS = ("learntrace", "postgres", "nobody")
ELSEWHERE = Path("/var/lib/learntrace")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 103  # macOS has 104 with the final NUL, Linux 108


@dataclass(frozen=True)
class DatabaseLayout:
    """`folder` contains everything; `account` owns the data and runs the server, None for our own account."""

    home: Path
    folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def sockets(self) -> Path:
        """The folder of the socket; under /tmp if the path is too long for a socket, or reads as a list to libpq."""
        beside = self.folder / "run"
        if len(os.fsencode(beside / SOCKET_NAME)) < SOCKET_PATH_BYTES and "," not in str(beside):
            return beside
        return Path("/tmp") / f"learntrace-{_short_hash(self.folder)}"  # noqa: S108 - its owner is checked before use


def layout_of(home: Path) -> DatabaseLayout:
    """Return where the database of `home` is or would be; changes nothing."""
    home = Path(os.path.realpath(home))
    link = home / "postgres"
    folder = Path(os.path.realpath(link))
    if os.geteuid() != 0:
        return DatabaseLayout(home, folder, None)
    account = _owner_of(folder / "data") or _first_account()
    if folder == link and not os.path.isdir(folder / "data") and not _can_enter(account, home):
        folder = ELSEWHERE / _short_hash(home)
        account = _owner_of(folder / "data") or account
    return DatabaseLayout(home, folder, account)


def prepare(layout: DatabaseLayout) -> None:
    """Create missing folders. Calling it twice, or twice at the same time, changes nothing more."""
    link = layout.home / "postgres"
    if os.path.islink(link) and not os.path.isdir(layout.folder):
        raise EmbeddedPostgresError(
            f"{link} says that the database is in {layout.folder}, but nothing is there. Bring that folder back "
            f"(is a disk not mounted?), or remove the link to begin with an empty database."
        )
    try:
        _make_with_parents(layout.home)
        _make_with_parents(layout.folder)
        if layout.folder.stat().st_uid == os.geteuid():
            layout.folder.chmod(0o711 if layout.account else 0o700)
        if layout.folder != link and not os.path.islink(link):
            _leave_link(layout, link)
        _make_private(layout.sockets, layout.account)
    except PermissionError as error:
        raise EmbeddedPostgresError(f"The database in {layout.folder} belongs to another user: {error}.") from error


def open_within(path: Path, flags: int) -> int:
    """Open a file in the folder, creating it if missing. A file that root creates belongs to the folder's owner."""
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedPostgresError(f"The database is another user's, or cannot be written: {error}") from error
    owner, seen = path.parent.stat(), os.fstat(file)
    if os.geteuid() == 0 and seen.st_uid != owner.st_uid and seen.st_nlink == 1:
        os.fchown(file, owner.st_uid, owner.st_gid)
    return file


def _leave_link(layout: DatabaseLayout, link: Path) -> None:
    name = layout.account.name if layout.account else ""
    earlier = " (an earlier database of the same home: it is used again)" if layout.data.is_dir() else ""
    try:
        link.symlink_to(layout.folder)
    except FileExistsError:
        return  # another process was faster, with the same link
    log.warning(
        "PostgreSQL cannot run as root, and the user %s cannot enter %s: the database is in %s%s, %s is a link to it.",
        name,
        layout.home,
        layout.folder,
        earlier,
        link,
    )


def _make_with_parents(folder: Path) -> None:
    """Create folders; as root, others may pass through them whatever the umask, or the server could not reach its data."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            missing.chmod(0o711)


def _make_private(folder: Path, account: Account | None) -> None:
    """Create a folder that only its account and root may enter: the socket in it asks for no password."""
    owner = account.uid if account else os.geteuid()
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in (owner, os.geteuid()):
        raise EmbeddedPostgresError(f"{folder} is not ours: remove it, then start again.")
    folder.chmod(0o700)
    if account and seen.st_uid != owner:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def _owner_of(data: Path) -> Account | None:
    """Return the account that owns existing data."""
    try:
        seen = os.stat(data)
    except OSError:
        return None
    if seen.st_uid == 0:
        raise EmbeddedPostgresError(
            f"{data} belongs to root, but PostgreSQL cannot run as root: chown it to another user."
        )
    try:
        name = pwd.getpwuid(seen.st_uid).pw_name
    except KeyError:
        name = str(seen.st_uid)
    return Account(name, seen.st_uid, seen.st_gid)


def _first_account() -> Account:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedPostgresError("PostgreSQL cannot run as root: create a user named learntrace, or run this as one.")


def _can_enter(account: Account, folder: Path) -> bool:
    """Whether the account can pass through a folder and its parents, as far as they exist already."""
    for path in (folder, *folder.parents):
        try:
            seen = os.stat(path)
        except FileNotFoundError:
            continue
        if seen.st_uid == account.uid:
            needed = stat.S_IXUSR
        elif seen.st_gid == account.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if not seen.st_mode & needed:
            return False
    return True


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
