"""docs/explanation/architecture.md is a map of the tree: it has every room in its order, and only files that exist."""

import ast
import configparser
import re
from pathlib import Path

import pytest

from tests.support.paths import CHECKOUT

PAGE = (CHECKOUT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = CHECKOUT / "learntrace"
MOST_MODULES = 20
# The rows of the demo are computed from its learners, and are a table all the same.
DEMO_ROSTER = PACKAGE / "config" / "demo" / "academy.py"
ROW_MAKERS = {"personal", "impersonal", "_", "frozenset", "Verdict", "str"}

_FILE = re.compile(r"`((?:\.?[\w-]+/)*(?:\.importlinter|[\w-]+\.(?:py|md|html|css)|[\w-]+/))`")


def rooms() -> set[str]:
    return {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def layers() -> list[list[str]]:
    """The rooms as import-linter orders them, from the top; rooms beside each other together."""
    contract = configparser.ConfigParser()
    contract.read(CHECKOUT / ".importlinter")
    lines = contract["importlinter:contract:rooms"]["layers"].split("\n")
    return [[name.strip().removeprefix("learntrace.") for name in line.split("|")] for line in lines if line.strip()]


def test_the_table_has_every_room_in_the_order_that_imports_follow() -> None:
    table = re.findall(r"^\| `(\w+)/` \|", PAGE, re.MULTILINE)
    assert table == [room for layer in layers() for room in layer]
    assert set(table) == rooms()


def test_the_picture_has_the_rooms_in_the_same_order() -> None:
    picture = re.search(r"```mermaid\n(.*?)```", PAGE, re.DOTALL)
    assert picture is not None
    (chain,) = [line.split(" --> ") for line in picture[1].splitlines() if " --> " in line]
    order = [["learnpack", "notebooks"] if name.strip() == "sources" else [name.strip()] for name in chain]
    assert order == layers()
    assert set(re.findall(r'(\w+)\["', picture[1])) == rooms()


@pytest.mark.parametrize("name", sorted(set(_FILE.findall(PAGE))))
def test_a_file_that_the_map_names_exists(name: str) -> None:
    outside = {"learntrace/", "postgres/", "metrics/", "src/"}
    assert name in outside or (PACKAGE / name).exists() or (CHECKOUT / name).exists()


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_a_module_that_a_page_names_exists(page: Path) -> None:
    roots = (CHECKOUT, PACKAGE, CHECKOUT / "jupyter-learntrace")
    named = set(re.findall(r"`((?:[\w-]+/)+\w+\.py)`", page.read_text(encoding="utf-8")))
    assert not [name for name in named if not any((root / name).is_file() for root in roots)]


def test_a_page_and_a_heading_that_the_code_cites_exist() -> None:
    """`docs/page.md` or `docs/page.md, "Heading"`, in a docstring or a comment."""
    cited = re.compile(r'(docs/[\w/-]+\.md)(?:,\s+"([^"]+)")?|\b(signals\.md|design), "')
    wrong = []
    for path in (*PACKAGE.rglob("*.py"), *(CHECKOUT / "jupyter-learntrace" / "jupyter_learntrace").rglob("*.py")):
        for name, heading, elsewhere in cited.findall(path.read_text(encoding="utf-8")):
            page = CHECKOUT / name
            known = not elsewhere and page.is_file()
            if not known or (heading and f"# {heading}\n" not in page.read_text(encoding="utf-8")):
                wrong.append(f"{path.relative_to(CHECKOUT)}: {name or elsewhere} {heading}")
    assert not wrong


def test_no_folder_holds_more_modules_than_a_reader_takes_in() -> None:
    crowded = {}
    for root in (
        PACKAGE,
        CHECKOUT / "tests",
        CHECKOUT / "jupyter-learntrace" / "jupyter_learntrace",
        CHECKOUT / "benchmarks",
    ):
        for folder in (root, *(path for path in root.rglob("*") if path.is_dir() and path.name != "migrations")):
            modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
            if len(modules) > MOST_MODULES:
                crowded[folder.relative_to(CHECKOUT).as_posix()] = len(modules)
    assert not crowded


def test_the_names_that_were_given_up_are_in_no_module() -> None:
    """They explained nothing: a `Keeping` is a SignalWriter now, a `Done` a LearnerActivity, a `Holding` a PersonalDataset."""
    given_up = re.compile(r"\b(class|def) (Done|Place|Spot|Watched|Keeping|Holding|Allowance|name_of|state_shown)\b")
    found = [
        f"{path.relative_to(CHECKOUT)}: {match[0]}"
        for path in PACKAGE.rglob("*.py")
        for match in given_up.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_formatting_is_switched_off_for_tables_of_data_alone() -> None:
    """`fmt: skip` keeps hand-aligned literals: words, columns, sentences, rows of the demo."""
    others = []
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        ends = {number for number, line in enumerate(text.splitlines(), 1) if line.endswith("# fmt: skip")}
        if not ends or path == DEMO_ROSTER:
            continue
        tables = {
            node.end_lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt) and _is_table(node)
        }
        others += [f"{path.relative_to(CHECKOUT)}:{number}" for number in sorted(ends - tables)]
    assert not others


def _is_table(statement: ast.stmt) -> bool:
    """Whether a statement assigns literals, with no calls but those that mark a text or make a row."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return False
    calls = [node.func for node in ast.walk(statement.value) if isinstance(node, ast.Call)]
    return all(isinstance(called, ast.Name) and called.id in ROW_MAKERS for called in calls)
