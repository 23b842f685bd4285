"""What operators copy from jupyterhub/ agrees with itself."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.support.paths import CHECKOUT

HUB = CHECKOUT / "jupyterhub"
_NAME = re.compile(r"\bHUB_[A-Z_]+")


def names(file: str) -> set[str]:
    return set(_NAME.findall((HUB / file).read_text(encoding="utf-8")))


def test_the_readme_has_every_setting_of_the_hub_and_no_other() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", (HUB / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    read = set(
        re.findall(r'(?:setting|place)\("([A-Z_]+)"', (HUB / "jupyterhub_config.py").read_text(encoding="utf-8"))
    )
    assert {name for row in rows for name in _NAME.findall(row)} | {"LEARNTRACE_URL"} == read


def test_other_files_name_only_settings_that_there_are() -> None:
    # That one is of compose.yaml itself.
    for file in ("Dockerfile", "compose.yaml", "env.example"):
        assert names(file) - {"HUB_PORT"} <= names("README.md"), file


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    copied = re.findall(r"^COPY ((?!--from)\S.*) \S+$", (HUB / "Dockerfile").read_text(), re.MULTILINE)
    sources = {source for line in copied for source in line.split()}
    assert not [source for source in sources if not (CHECKOUT / source).exists()]
    allowed = re.findall(r"^!(\S+)$", (HUB / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    assert not [source for source in sources if not source.startswith(tuple(allowed))]


def test_a_learner_gets_custom_js_anew_with_the_scripts_of_the_course_behind_it(tmp_path: Path) -> None:
    custom, home = tmp_path / "custom.js", tmp_path / "home"
    command: list[str | Path] = [
        sys.executable,
        HUB / "learner_folder.py",
        home,
        "--custom",
        custom,
        "--config",
        home / ".jupyter",
    ]
    handed_out = home / ".jupyter" / "custom" / "custom.js"
    custom.write_text("define([]);", encoding="utf-8")
    subprocess.run(command, check=True)
    assert handed_out.read_text(encoding="utf-8") == "define([]);"
    (tmp_path / "course.js").write_text("// año\n", encoding="utf-8")
    subprocess.run(command, check=True)
    assert handed_out.read_text(encoding="utf-8") == "define([]);\n// año\n"


def test_compose_runs_both_and_keeps_what_they_write() -> None:
    compose = yaml.safe_load((HUB / "compose.yaml").read_text())
    assert set(compose["services"]) == {"learntrace", "hub"}
    assert set(compose["volumes"]) == {"learntrace", "state", "learners"}


def test_the_proxy_is_locked_with_hashes_and_without_addresses() -> None:
    packages = json.loads((HUB / "package-lock.json").read_text())["packages"]
    assert all("integrity" in package for name, package in packages.items() if name)
    assert not [name for name, package in packages.items() if "resolved" in package]


def test_the_lessons_are_tagged_as_the_demo_says() -> None:
    tagged = {
        path.stem: [
            tag
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
            for tag in cell["metadata"].get("tags", ())
        ]
        for path in sorted((HUB / "lessons").glob("*.ipynb"))
    }
    assert tagged == {
        "lesson_03": ["assignment:lesson-03-exercise-1", "check:lesson-03-exercise-1"],
        "lesson_06a": [
            "assignment:lesson-06a-exercise-1",
            "check:lesson-06a-exercise-1",
            "assignment:lesson-06a-exercise-2",
            "check:lesson-06a-exercise-2",
        ],
    }
