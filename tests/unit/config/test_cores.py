"""How many cores a process may use, by the limits of control groups of both versions."""

import os
from pathlib import Path

import pytest

from learntrace.config.runtime import cores


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("own", "files", "limit"),
    [
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/a/b\n", {"cpu.max": "max 100000\n", "a/cpu.max": "200000 100000\n", "a/b/cpu.max": "max 100000\n"}, 2.0),
        ("0::/a\n", {"a/cpu.max": "400000 100000\n", "cpu.max": "300000 100000\n"}, 3.0),
        # A container sees its group as the root, and is told its name outside.
        ("0::/docker/123\n", {"cpu.max": "50000 100000\n"}, 0.5),
        (
            "4:cpu,cpuacct:/a\n1:name=systemd:/a\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"},
            2.5,
        ),
        (
            "4:cpu,cpuacct:/a\n",
            {"cpu,cpuacct/a/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/a/cpu.cfs_period_us": "100000\n"},
            None,
        ),
        ("0::/\n", {"cpu.max": "nonsense\n"}, None),
        ("", {}, None),
    ],
)
def test_the_smallest_limit_around_a_process_holds(
    tmp_path: Path, own: str, files: dict[str, str], limit: float | None
) -> None:
    write(tmp_path / "groups", files)
    write(tmp_path, {"own": own})
    assert cores.cgroup_quota(tmp_path / "groups", tmp_path / "own") == limit


def test_no_control_groups_are_no_limit(tmp_path: Path) -> None:
    assert cores.cgroup_quota(tmp_path / "none", tmp_path / "none") is None


def test_a_process_uses_no_more_cores_than_its_affinity_and_its_group_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "process_cpu_count", lambda: 8, raising=False)
    for quota, used in ((None, 8), (16.0, 8), (2.9, 2), (0.5, 1)):
        monkeypatch.setattr(cores, "cgroup_quota", lambda quota=quota: quota)
        assert cores.usable_cores() == used


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux has it")
def test_the_affinity_counts() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert cores.usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
