"""The documents say what is there: their links lead somewhere, and every setting, command, endpoint and text they name exists.

And the other way round: what is there is in the documents.
"""

import configparser
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands
from drf_spectacular.generators import SchemaGenerator
from prometheus_client import REGISTRY

from learntrace.accounts.roster.sections import Tokens
from learntrace.config import asgi, environment
from learntrace.config.cli import _commands
from learntrace.config.commands.roster import SECTIONS
from learntrace.config.operations.health import Health
from learntrace.config.operations.prometheus import TableFigures
from learntrace.core.errors import Problem
from learntrace.intake.refusals import reason_of
from learntrace.learnpack.inbox.openapi import INGEST
from learntrace.learnpack.processing.outcomes import SENTENCES
from learntrace.notebooks.validation.event import FLAGS, VERBS
from learntrace.notebooks.validation.rejections import SENTENCES as CODES
from tests.support.paths import CHECKOUT

DOCS = CHECKOUT / "docs"
PAGES = sorted([*CHECKOUT.glob("*.md"), *DOCS.rglob("*.md")])
READERS: dict[str, Callable[[str], object]] = {"json": json.loads, "yaml": yaml.safe_load}
# What operators copy, besides pages.
FILES = sorted(path for path in (CHECKOUT / "deploy").rglob("*") if path.is_file())
# Set by the processes of an installation for each other, and by tests.
NO_SETTINGS = {
    "LEARNTRACE_SKIP_BROWSER",
    "LEARNTRACE_TEST_BROKER_URL",
    "LEARNTRACE_TEST_SEED",
    "LEARNTRACE_TEST_SOAK_MINUTES",
}
# Read next to the notebooks, by jupyter-learntrace.
NO_SETTINGS |= {"LEARNTRACE_URL", "LEARNTRACE_TOKEN", "LEARNTRACE_ACADEMY"}

_FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


def name_of(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def prose(page: Path) -> str:
    """The page without what stands in code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def code(page: Path) -> Iterator[str]:
    """What stands in code blocks and code spans."""
    text = page.read_text(encoding="utf-8")
    yield from (match[3] for match in _FENCE.finditer(text))
    yield from (match[2] for match in _SPAN.finditer(_FENCE.sub("", text)))


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get where it is shown."""
    headings = [re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", match[1]) for match in _HEADING.finditer(prose(page))]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def docs_page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    dead = []
    for target in _LINK.findall(_SPAN.sub("", prose(page))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _hash, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.is_file() or (anchor and anchor not in anchors(file)):
            dead.append(target)
    assert not dead, f"{name_of(page)} links to what isn't there: {', '.join(dead)}"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_every_page_is_reached_from_the_index(page: Path) -> None:
    index = DOCS / "index.md"
    linked = {(DOCS / target.partition("#")[0]).resolve() for target in _LINK.findall(prose(index))}
    assert page == index or page in linked


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=name_of)
def test_settings_that_are_named_exist(path: Path) -> None:
    known = {setting.name for setting in environment.SETTINGS} | NO_SETTINGS
    named = set(re.findall(r"LEARNTRACE_[A-Z_]+", path.read_text(encoding="utf-8")))
    assert named <= known


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=name_of)
def test_commands_that_are_named_exist(path: Path) -> None:
    texts = list(code(path)) if path.suffix == ".md" else [path.read_text(encoding="utf-8")]
    ours, managed = set(_commands()), set(get_commands())
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
    # A command starts a line or a span, or follows what runs it.
    start = r"(?:^|[`=(]|sudo |\d |env \S+ |-C \S+ |exec web |CMD )\s*"
    unknown: list[str] = []
    for text in texts:
        lines = text.replace('", "', " ").replace(", ", " ").replace("[", " ")
        unknown += set(re.findall(rf"{start}(?:\S*/)?learntrace ([a-z][a-z-]*)\b", lines, re.MULTILINE)) - ours
        unknown += set(re.findall(r"(?:manage\.py|learntrace manage) ([a-z_]+)", lines)) - managed
        unknown += set(re.findall(rf"{start}make (?:-C \S+ )?([a-z][a-z-]*)\b", lines, re.MULTILINE)) - targets
    assert not unknown


def test_every_command_is_named_somewhere() -> None:
    text = "\n".join(part for page in PAGES for part in code(page))
    assert not [name for name in _commands() if f"learntrace {name}" not in text]


@cache
def operations() -> frozenset[str]:
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    methods = {"get", "put", "post", "delete", "patch"}
    return frozenset(
        f"{method.upper()} {path}" for path, item in schema["paths"].items() for method in methods.intersection(item)
    )


def test_the_api_page_has_every_operation_of_the_schema_and_no_other() -> None:
    told = set(re.findall(r"^### `([A-Z]+ /\S+)`$", docs_page("reference/api.md"), re.MULTILINE))
    # The inbox is answered before Django; the schema is told of it by hand.
    assert told == operations() | {f"{method.upper()} {source.path}" for source in asgi.SOURCES for method in INGEST}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_addresses_that_are_named_exist(page: Path) -> None:
    known = [
        re.compile(re.sub(r"\\{\w+\\}", r"[^/?\\s\"']+", re.escape(operation.split()[1])) + r"$")
        for operation in operations()
    ]
    named = {match.rstrip("/.") for text in code(page) for match in re.findall(r"/v1/[^\s?\"'`|)]+", text)}
    unknown = [path for path in named if not any(pattern.match(path) or pattern.match(f"{path}/") for pattern in known)]
    assert not unknown


def _shape(sentence: str) -> str:
    return re.sub(r"%\((\w+)\)s", r"<\1>", sentence)


@pytest.mark.parametrize("reason", SENTENCES)
def test_every_status_text_has_its_line(reason: str) -> None:
    line = next(
        (row for row in docs_page("reference/statuses.md").splitlines() if row.startswith(f"| `{reason}` |")), ""
    )
    assert line, f"docs/reference/statuses.md lacks {reason}"
    assert SENTENCES[reason] == "%(text)s" or _shape(str(SENTENCES[reason])) in line


def _kinds(kind: type[Problem] = Problem) -> Iterator[type[Problem]]:
    for one in kind.__subclasses__():
        yield one
        yield from _kinds(one)


def test_every_reason_of_a_refusal_has_its_line() -> None:
    page = docs_page("reference/refusals.md")
    at_the_door = (
        "learntrace.intake",
        "learntrace.learnpack.inbox.source",
        "learntrace.notebooks.inbox.source",
        "learntrace.notebooks.inbox.admission",
        "learntrace.notebooks.inbox.batch_parser",
        "learntrace.core.json",
        "learntrace.accounts.auth",
        "learntrace.accounts.jupyterhub.client",
    )
    raised = [kind for kind in _kinds() if kind.__module__.startswith(at_the_door) and (kind.reason or kind.slug)]
    reasons = {kind.reason or kind.slug: kind.status_code for kind in raised}
    assert reason_of(Problem("")) not in page
    assert not [reason for reason, code in reasons.items() if f"| `{reason}` | {code} |" not in page]


def test_every_code_and_flag_of_an_event_has_its_line() -> None:
    page = docs_page("reference/events.md")
    assert not [code for code in CODES if f"| `{code}` |" not in page]
    assert not [flag for flag, meaning in FLAGS.items() if f"| `{flag}` | {meaning} |" not in page]
    assert all(f"`{verb}`" in page for verb in VERBS)


def test_every_figure_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Health(database=True, oldest_pending_seconds=1, worker_seen_seconds=1)
    monkeypatch.setattr("learntrace.config.operations.prometheus.health.look", lambda: found)
    names = {metric.name for metric in [*REGISTRY.collect(), *TableFigures().collect()]}
    ours = {name for name in names if name.startswith("learntrace_")}
    told = {
        name.removesuffix("_total")
        for name in re.findall(r"^\| `(learntrace_\w+)", docs_page("reference/metrics.md"), re.MULTILINE)
    }
    assert told == ours


@pytest.mark.parametrize(
    "section", docs_page("dependencies.md").split("\n## ")[1:], ids=lambda text: text.splitlines()[0]
)
def test_every_dependency_says_what_it_is_for(section: str) -> None:
    files = re.findall(r"`(requirements/\w+\.in)`", section.splitlines()[0])
    lines = [line for file in files for line in (CHECKOUT / file).read_text().splitlines()]
    wanted = {re.split(r"[\[~<>=!; ]", line)[0] for line in lines if line and not line.startswith(("#", "-"))}
    assert set(re.findall(r"^\| `([\w-]+)` \|", section, re.MULTILINE)) == wanted


def test_every_list_of_requirements_has_its_section() -> None:
    named = set(re.findall(r"^## .*", docs_page("dependencies.md"), re.MULTILINE))
    for file in (CHECKOUT / "requirements").glob("*.in"):
        assert any(f"`requirements/{file.name}`" in heading for heading in named), file.name


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples_in_yaml_and_json_can_be_read(page: Path) -> None:
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if match[2] in READERS:
            assert READERS[match[2]](match[3]) is not None, "an example shows something"


def test_the_example_of_a_roster_names_only_what_a_roster_has() -> None:
    example = next(
        yaml.safe_load(match[3])
        for match in _FENCE.finditer(docs_page("how-to/import-a-roster.md"))
        if match[2] == "yaml"
    )
    sections = {section.name: section for section in SECTIONS}
    assert list(example) == list(sections), "every list of a roster, in their order"
    for name, items in example.items():
        assert {key for item in items for key in item} <= set(sections[name].keys())
    assert all(len(token["key"]) in Tokens.LENGTHS for token in example["tokens"])


def test_deploy_files_can_be_read() -> None:
    compose = yaml.safe_load((CHECKOUT / "deploy" / "compose.yaml").read_text())
    assert {"postgres", "rabbitmq", "web", "worker"} <= set(compose["services"])
    for unit in (CHECKOUT / "deploy" / "systemd").glob("*.service"):
        parsed = configparser.ConfigParser(strict=False, interpolation=None)
        parsed.read_string(unit.read_text())
        assert parsed["Service"]["User"] == "learntrace"


@pytest.mark.parametrize("path", [*PAGES, *FILES], ids=name_of)
def test_no_address_of_a_package_registry_and_no_path_of_a_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    registries = ("pypi" + ".org", "npmjs" + ".com", "files.python" + "hosted")
    assert not [place for place in (*registries, "/root/", "/home/", "/work/") if place in text]
