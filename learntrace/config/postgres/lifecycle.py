"""One PostgreSQL server process: initialise, start, recognise and stop it. Processes are not coordinated here (server.py
does that): callers make sure that they are alone.
"""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from learntrace.config.postgres.binaries import MAJOR_VERSION, EmbeddedPostgresError, environment
from learntrace.config.postgres.layout import SOCKET_NAME, DatabaseLayout, open_within
from learntrace.config.runtime.processes import arguments_of, dies_with_us, run

log = logging.getLogger("learntrace.postgres")

PORT = 5432  # no port is opened; the number is part of the socket's name
NAME = "learntrace"  # the name of the superuser and of the database
LARGEST_LOG = 5_000_000  # bytes; one older file of the same size is kept
TAIL_LINES = 15
PAUSE = 0.05

# Given on the command line, so that neither postgresql.conf nor ALTER SYSTEM overrides them.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "200",
    "shared_buffers": "160MB",
    "wal_compression": "pglz",  # the package is built without lz4
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "cluster_name": NAME,
}


def initialise(layout: DatabaseLayout, programs: Path) -> None:
    """Create the data folder, unless it exists.

    It gets its name when it is complete: a kill leaves a partial one under another name, which the next call removes.
    """
    if os.path.lexists(layout.data):
        _check_version(layout.data)
        return
    for half in layout.folder.glob("data.new-*"):
        shutil.rmtree(half, ignore_errors=True)
    new = layout.folder / f"data.new-{os.getpid()}"
    new.mkdir(mode=0o700)
    if layout.account:
        os.chown(new, layout.account.uid, layout.account.gid)
    account, env = layout.account, environment()
    initdb = [
        str(programs / "initdb"),
        "--pgdata",
        str(new),
        "--username",
        NAME,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--locale-provider",
        "builtin",
        "--builtin-locale",
        "C.UTF-8",
        "--no-instructions",
    ]
    single = [str(programs / "postgres"), "--single", "-D", str(new), "template1"]
    try:
        run(initdb, env=env, account=account)
        said = run(single, env=env, account=account, text=f"CREATE DATABASE {NAME}\n")
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stdout", None) or ""
        raise EmbeddedPostgresError(f"The database could not be made in {layout.folder}: {error}\n{said}") from error
    if "ERROR:" in said:  # a single-user server goes on, and ends with 0
        raise EmbeddedPostgresError(f"The database could not be made in {layout.folder}:\n{said}")
    new.rename(layout.data)
    _sync(layout.folder)
    log.info("made a new database in %s", layout.data)


def spawn(layout: DatabaseLayout, programs: Path, *, tied: bool) -> subprocess.Popen[bytes]:
    """Start `postgres` as a child process. If `tied`, it shuts down when this process ends, however it ends."""
    tied = tied and threading.current_thread() is threading.main_thread()  # it would end with another thread
    socket_folder = '"' + str(layout.sockets).replace('"', '""') + '"'
    command = [str(programs / "postgres"), "-D", str(layout.data), "-c", f"unix_socket_directories={socket_folder}"]
    for name, value in SETTINGS.items():
        command += ["-c", f"{name}={value}"]
    overlook_stale_locks(layout)
    output = open_log(layout)
    try:
        return subprocess.Popen(  # noqa: S603
            command,
            env=environment(),
            cwd="/",
            user=layout.account.uid if layout.account else None,
            group=layout.account.gid if layout.account else None,
            extra_groups=() if layout.account else None,
            start_new_session=True,  # a Ctrl-C in the terminal is for us, who stop it last
            preexec_fn=dies_with_us(signal.SIGINT) if tied else None,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    finally:
        os.close(output)


def running(layout: DatabaseLayout) -> int | None:
    """Return the pid of the running server of this data folder, None if none runs."""
    pid = _first_number(layout.data / "postmaster.pid")
    return pid if pid is not None and _serves(pid, layout.data) else None


def stop(layout: DatabaseLayout, patience: float, process: subprocess.Popen[bytes] | None = None) -> None:
    """Shut down fast; after `patience` seconds immediately, which loses nothing but makes the next start take longer."""
    pid = process.pid if process and process.poll() is None else running(layout)
    if pid is None:
        return
    for number, seconds in ((signal.SIGINT, patience), (signal.SIGQUIT, 6.0), (signal.SIGKILL, 1.0)):
        if number is not signal.SIGINT:
            log.warning("the database did not stop: sending %s", number.name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended = process.poll() is not None if process and process.pid == pid else not _serves(pid, layout.data)
            if ended:
                return
            time.sleep(PAUSE)


def open_log(layout: DatabaseLayout) -> int:
    trim_log(layout)
    return open_within(layout.log, os.O_WRONLY | os.O_APPEND)


def trim_log(layout: DatabaseLayout) -> None:
    """Copy a log that has grown too large to `log.1` and truncate it; the server goes on appending."""
    if log_size(layout) > LARGEST_LOG:
        older = layout.log.with_name("log.1")
        older.unlink(missing_ok=True)
        shutil.copyfile(layout.log, older)
        os.truncate(layout.log, 0)


def log_size(layout: DatabaseLayout) -> int:
    try:
        return layout.log.stat().st_size
    except FileNotFoundError:
        return 0


def log_since(layout: DatabaseLayout, size: int) -> str:
    """Return the last lines that the server has logged since its log had this size."""
    with contextlib.suppress(FileNotFoundError), layout.log.open("rb") as file:
        file.seek(max(size, log_size(layout) - 20_000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-TAIL_LINES:])
    return ""


def overlook_stale_locks(layout: DatabaseLayout) -> None:
    """Let a start succeed in spite of the lock files of a server that did not shut down properly.

    postgres removes such files itself, but not when the pid in them belongs to another process by now (it often does in
    a container), nor when a power cut has emptied them. It overlooks the pid of its own parent, though, and goes on to
    check that no orphan of the old server uses the shared memory that the file names: so we write ours into it.
    """
    for path in (layout.data / "postmaster.pid", layout.sockets / f"{SOCKET_NAME}.lock"):
        pid = _first_number(path)
        if pid is None:
            path.unlink(missing_ok=True)
        elif _lives(pid) and not _serves(pid, layout.data):
            rest = path.read_bytes().partition(b"\n")[2]
            file = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
            with open(file, "wb") as opened:
                opened.write(b"%d\n" % os.getpid() + rest)


def _first_number(path: Path) -> int | None:
    try:
        number = int(path.read_bytes().partition(b"\n")[0])
    except (FileNotFoundError, ValueError):
        return None
    return number if number > 0 else None


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a postgres of this data folder: the pid alone may belong to another program by now."""
    arguments = arguments_of(pid) or []
    if "-D" not in arguments or not Path(arguments[0]).name.startswith("postgres"):
        return False
    named = arguments[arguments.index("-D") + 1 :]
    if os.path.isdir("/proc/self"):
        return bool(named) and os.path.exists(named[0]) and os.path.samefile(named[0], data)
    return " ".join(named).startswith(str(data))  # `ps` prints a single line


def _check_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise EmbeddedPostgresError(f"{data} is not a PostgreSQL data folder, or not ours: {error}") from error
    if version != MAJOR_VERSION:
        raise EmbeddedPostgresError(
            f"{data} was made by PostgreSQL {version}, we bring {MAJOR_VERSION}: dump it with the old one, restore."
        )


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
