"""Prometheus metrics of signals."""

import os
from pathlib import Path

from prometheus_client import Gauge
from prometheus_client.multiprocess import mark_process_dead

STREAMS = Gauge("learntrace_streams", "Open streams of what changes", multiprocess_mode="livesum")


def forget_dead_processes() -> None:
    """Drop the gauges of processes that were killed, which would count as open for ever."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    for file in Path(folder).glob("gauge_live*.db") if folder else ():
        pid = file.stem.rpartition("_")[2]
        if pid.isdecimal() and not _is_alive(int(pid)):
            mark_process_dead(int(pid))  # type: ignore[no-untyped-call]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
