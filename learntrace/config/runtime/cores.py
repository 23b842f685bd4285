"""How many cores this process may use: of the machine, of its affinity, and of its control group (a container's limit)."""

import os
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Return the whole cores that this process may use, at least 1."""
    given = _affinity()
    quota = cgroup_quota()
    return max(1, given if quota is None else min(given, int(quota)))


def _affinity() -> int:
    counted = getattr(os, "process_cpu_count", None)  # Python 3.13
    if counted is not None:
        return counted() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cgroup_quota(root: Path = _CGROUPS, own: Path = _OWN_CGROUP) -> float | None:
    """Return the smallest limit of this process's control group and those around it in cores; None without a limit.

    Version 2 has `cpu.max` ("150000 100000" or "max 100000") in the group's folder, version 1 two files in the folder of
    the controller. A container sees its own group as the root, whatever /proc/self/cgroup calls it.
    """
    limits = []
    for controllers, path in _groups(own):
        base = root if not controllers else root / controllers
        folder = base / path.strip("/")
        for place in (folder, *folder.parents):
            limits.append(_limit_in(place))
            if place == base:
                break
    return min((limit for limit in limits if limit is not None), default=None)


def _groups(own: Path) -> list[tuple[str, str]]:
    """Return the controllers and paths of the groups that may limit processors; of version 2 the controllers are empty."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    groups = [("", "/"), ("cpu", "/"), ("cpu,cpuacct", "/")]
    for line in lines:
        _number, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers or "cpu" in controllers.split(","):
            groups.append((controllers, path))
    return groups


def _limit_in(folder: Path) -> float | None:
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text().strip() for name in ("quota", "period"))
        # Without a limit: "max", or -1 in version 1.
        return int(quota) / int(period) if quota.isdigit() and int(period) > 0 else None
    except (OSError, ValueError):
        return None
