"""Start other programs: under which account, and so that they end with this process."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """A machine account under which a program runs instead of root."""

    name: str
    uid: int
    gid: int


def dies_with_us(number: signal.Signals) -> Callable[[], None]:
    """Return a preexec function that has the kernel send `number` to the child when this process ends; Linux only.

    The kernel watches the thread that started the child, not the process: start such children in the main thread. It
    forgets the request at a change of user, so it is made after that (subprocess runs preexec_fn last).
    """
    parent = os.getpid()

    def wish() -> None:
        if _prctl is None:
            return
        _prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:  # the parent ended between the fork and the request
            os._exit(1)

    return wish


def run(command: Sequence[str], *, env: Mapping[str, str], account: Account | None, text: str = "") -> str:
    """Run a command with `text` as its input and return its output. Raises CalledProcessError."""
    result = subprocess.run(  # noqa: S603 - the commands are ours
        command,
        input=text,
        env=env,
        cwd="/",  # that account may not be allowed into our working folder
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=() if account else None,
        start_new_session=True,  # this process handles Ctrl-C
        preexec_fn=dies_with_us(signal.SIGTERM),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=True,
    )
    return result.stdout


def arguments_of(pid: int) -> list[str] | None:
    """Return the command line of a running process; None if there is none (a zombie has ended)."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            line = file.read()
        return [os.fsdecode(part) for part in line.rstrip(b"\0").split(b"\0")] if line else None
    except (FileNotFoundError, ProcessLookupError):
        if os.path.isdir("/proc/self"):
            return None
    completed = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
    )
    return os.fsdecode(completed.stdout).split() or None


def end_with_parent(number: signal.Signals, parent: int) -> None:
    """Have the kernel send `number` to this process when `parent`, which started it, ends or has ended."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, int(number))
        if os.getppid() != parent:
            os.kill(os.getpid(), number)
