"""The pages of docs/reference that are made from code: `python -m learntrace.config.reference_docs.reference` writes them.

A test fails while a page isn't what the code says.
"""

import argparse
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from learntrace.accounts.roles import CAPABILITIES, PERMISSIONS, ROLES
from learntrace.config.environment import SETTINGS

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "reference"
_NOTE = "<!-- Made from {source} by `python -m learntrace.config.reference_docs.reference`; do not edit it. -->"

_WRITES = (
    "A *record* is what is stored of a learner on an asset. It belongs to the asset's academy if the learner is a member "
    "there, else to every academy that the learner is a member of: who owns it sees it. A *service* of an academy is a user "
    "with `upload_any_telemetry` there; by a grant, of all academies."
)
_WRITERS = [
    [
        "Telemetry of a learner",
        (
            "the learner; services of an academy that owns the record. Others get 403 `telemetry-of-another-user`, also "
            "about a user that doesn't exist."
        ),
    ],
    [
        "Naming an asset in telemetry or a correction",
        (
            "anybody for assets of no academy and published ones that are public or unlisted; else the learners of its "
            "academy for themselves, and its services and staff. For all others the asset doesn't exist."
        ),
    ],
    [
        "State of tasks, by telemetry",
        "as the telemetry; a service's leaves the tasks of academies alone that it doesn't serve",
    ],
    ["Corrections", "`crud_telemetry` in an academy that owns the record"],
    [
        "Package id, address, manifest and [steps](../how-to/connect-learnpack.md#steps-and-their-titles) of an asset",
        "services of its academy, rosters; any service for an asset of no academy",
    ],
    ["Statistics of an asset", "they count the records that its academy sees"],
]


def roles() -> str:
    """Return the table of capabilities (rows) by role (columns)."""
    rows = [
        [f"`{name}`", purpose, *("yes" if name in role.capabilities else "" for role in ROLES.values())]
        for name, purpose in CAPABILITIES.items()
    ]
    return _page(
        "learntrace/accounts/roles.py",
        "# Roles and capabilities",
        "A membership gives a user one role in one academy, and with it the role's capabilities there. Nothing of one "
        "academy is ever visible from another.",
        _table(["Capability", "Opens", *(f"{role.name} (`{role.slug}`)" for role in ROLES.values())], rows),
        "A user can also be granted these outside any role (`permissions` in a roster): "
        + ", ".join(f"`{name}`" for name in PERMISSIONS)
        + ".",
        "## Who may write what",
        _WRITES,
        _table(["What", "Who"], _WRITERS),
    )


def settings() -> str:
    """Return the table of environment variables."""
    rows = [
        [f"`{setting.name}`", f"`{setting.default}`" if setting.default else "(empty)", setting.purpose]
        for setting in SETTINGS
    ]
    return _page(
        "learntrace/config/environment.py",
        "# Settings",
        "All settings are environment variables. `learntrace settings` lists them with the values that hold.",
        _table(["Variable", "Default", "What it is for"], rows),
    )


def commands() -> str:
    """Return all management commands of Learntrace with their options."""
    from django.core.management import get_commands

    ours = sorted(name for name, app in get_commands().items() if str(app).startswith("learntrace."))
    return _page(
        "the commands' own help",
        "# Management commands",
        "`python manage.py COMMAND`, or `learntrace manage COMMAND` where Learntrace is installed as a package. Each "
        "says at its end what it did, can be stopped at any time, and can be run again.",
        *(_command(name) for name in ours),
    )


def measures() -> str:
    """Return the definition of each number in the API."""
    from learntrace.progress.explain.definitions import DEFINITIONS

    rows = [[f"`{name}`", str(entry.text), entry.unit, entry.source] for name, entry in DEFINITIONS.items()]
    return _page(
        "learntrace/progress/explain/definitions.py",
        "# Measures",
        "What each number of the [API](api.md#progress) means. With `?explain=1` an answer says of each of its numbers how "
        "it came about: this definition, what it was computed from, and the events. All times are the learner's clock.",
        _table(["Number", "Definition", "Unit", "Source"], rows),
    )


def signals() -> str:
    """Return the kinds of signals with their thresholds."""
    from learntrace.signals.detectors import KINDS

    severities = {1: "low", 2: "medium", 3: "high"}
    rows = [
        [
            f"`{kind.kind}`" if kind.enabled else f"`{kind.kind}` (off)",
            kind.name,
            severities[kind.severity],
            re.sub(r"%\((\w+)\)s", r"*\1*", kind.sentence),
            "<br>".join(f"`{name}` {entry.default:g}: {entry.purpose}" for name, entry in kind.thresholds.items()),
        ]
        for kind in KINDS.values()
    ]
    return _page(
        "learntrace/signals/detectors",
        "# Kinds of signals",
        "What a teacher is told of. Each academy can turn a kind off, and set its thresholds, in `signal_features` of its "
        'settings: `{"stuck": {"enabled": true, "minutes": 10}}`. One that is "off" is looked for only where an academy turns '
        "it on. "
        "[Why these, and how they are computed](../explanation/signals.md).",
        _table(["Kind", "Name", "Severity", "What it says", "Thresholds, with their defaults"], rows),
    )


def verdicts() -> str:
    """Return the verdicts of a diagnosis and what to do about each."""
    from learntrace.diagnosis.verdicts import VERDICTS

    def sentence_of(sentence: object) -> str:
        return re.sub(r"%\((\w+)\)s", r"*\1*", str(sentence))

    rows = [
        [f"`{code}`", sentence_of(entry.explanation), sentence_of(entry.next_action)]
        for code, entry in VERDICTS.items()
    ]
    return _page(
        "learntrace/diagnosis/verdicts.py",
        "# Verdicts",
        "What a diagnosis can say: `learntrace diagnose`, [the endpoint](api.md#get-v1diagnosisacademytelemetry) and the page "
        "`/diagnosis`. [How to find missing telemetry](../how-to/find-missing-telemetry.md).",
        _table(["Verdict", "Problem", "What to do next"], rows),
    )


def personal_data() -> str:
    """Return the register of personal fields: what is stored about people, what for, how long, and who sees it."""
    from learntrace.core.personal_data import registered_datasets
    from learntrace.personal.register import KEPT, SEEN_BY, Table, register

    datasets = {dataset.name: dataset for dataset in registered_datasets()}

    def fate(table: Table) -> str:
        if not table.datasets:
            return table.why
        gone = all(datasets[name].erase is not None for name in table.datasets)
        files = ", ".join(f"`{name}`" for name in table.datasets)
        return f"{files}; erased" if gone else f"{files}; stays"

    rows = [
        [
            f"`{table.name}`",
            ", ".join(f"`{column}`" for column in table.personal),
            str(table.purpose),
            str(KEPT[table.kept]),
            str(SEEN_BY[table.seen_by]),
            fate(table),
        ]
        for table in register().values()
        if table.kept is not None and table.seen_by is not None
    ]
    without = ", ".join(f"`{table.name}`" for table in register().values() if not table.personal)
    return _page(
        "learntrace/personal/register_tables.py",
        "# Personal data",
        "Each column that holds something about a person, with what it is for, how long it is kept, and who sees it; whoever "
        "runs the server can read everything. The last column names the file of the "
        "[download](../how-to/your-data.md), and what an erasure does. "
        "[What an erasure doesn't reach](../explanation/privacy.md#what-is-not-promised).",
        _table(["Table", "Columns", "Purpose", "Kept", "Seen by", "Download and erasure"], rows),
        f"Nothing about people is in {without}.",
    )


def _command(name: str) -> str:
    from django.core.management import BaseCommand, get_commands, load_command_class

    command = load_command_class(str(get_commands()[name]), name)
    parser = command.create_parser("manage.py", name)
    common = {
        option for action in _actions(BaseCommand().create_parser("manage.py", name)) for option in _names(action)
    }
    own = [action for action in _actions(parser) if not common.intersection(_names(action))]
    usage = " ".join(["python manage.py", name, *(f"[{_usage(action)}]" for action in own)])
    options = [[f"`{_usage(action)}`".replace("|", "\\|"), str(action.help or "")] for action in own]
    parts = [f"## {name}", str(command.help), f"```sh\n{usage}\n```"]
    return "\n\n".join([*parts, _table(["Option", "Meaning"], options)] if options else parts)


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions


def _names(action: argparse.Action) -> list[str]:
    return list(action.option_strings) or [action.dest]


def _usage(action: argparse.Action) -> str:
    name = _names(action)[0]
    if action.nargs == 0 or not action.option_strings:
        return name
    value = "|".join(map(str, action.choices)) if action.choices else action.metavar or action.dest.upper()
    return f"{name} {value}"


def _page(source: str, *parts: str) -> str:
    return "\n\n".join([_NOTE.format(source=source), *parts]) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PAGES: Mapping[str, Callable[[], str]] = {
    "roles.md": roles,
    "settings.md": settings,
    "commands.md": commands,
    "measures.md": measures,
    "signals.md": signals,
    "verdicts.md": verdicts,
    "personal-data.md": personal_data,
}


def page(name: str) -> str:
    """Return a page of docs/reference, in English whatever language is active."""
    from django.utils import translation

    with translation.override("en"):
        return PAGES[name]()


def main(argv: list[str] | None = None) -> int:
    """Write all pages, or with --check report which are stale."""
    import django

    parser = argparse.ArgumentParser(prog="learntrace.config.reference_docs.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a page is stale")
    check = parser.parse_args(argv).check

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
    django.setup()
    if check:
        stale = [name for name in PAGES if (FOLDER / name).read_text(encoding="utf-8") != page(name)]
        for name in stale:
            print(f"{FOLDER / name} is stale: run `make docs` and commit it")
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in PAGES:
        (FOLDER / name).write_text(page(name), encoding="utf-8")
        print(FOLDER / name)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
