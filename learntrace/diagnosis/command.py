"""`learntrace diagnose`: why a learner's telemetry is missing, told on a terminal."""

import argparse
import json
import sys
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.core.filters import natural
from learntrace.diagnosis.question import Question, named_in, read_question
from learntrace.diagnosis.reading import gather
from learntrace.diagnosis.serializers import as_json
from learntrace.diagnosis.verdicts import ALL_WELL
from learntrace.diagnosis.walk import walk

WELL, FOUND, CANNOT_BE_ASKED = 0, 1, 2


class CannotBeAsked(Exception):
    """It isn't clear whose academy is meant; the text says what to add."""


def main(argv: list[str]) -> int:
    """Run `learntrace diagnose`; Django is set up already. 0: all well, 1: something is found, 2: it can't be asked."""
    parser = argparse.ArgumentParser(prog="learntrace diagnose", description=_("Why is a learner's telemetry missing?"))
    parser.add_argument("--user", metavar="NAME", help=_("a learner's id, user name or e-mail address"))
    parser.add_argument("--asset", metavar="NAME", help=_("an asset's id, slug or alias, or a notebook's path or tag"))
    parser.add_argument("--task", metavar="ID", help=_("a task's id, instead of user and asset"))
    parser.add_argument("--academy", metavar="NAME", help=_("id or slug, where more than one could be meant"))
    parser.add_argument("--json", action="store_true", help=_("print JSON, as the API answers"))
    arguments = parser.parse_args(argv)
    try:
        question = read_question({"user": arguments.user, "asset": arguments.asset, "task": arguments.task})
        told = as_json(walk(gather(_academy(arguments.academy, question), question)))
    except (CannotBeAsked, Problem) as problem:
        print(f"learntrace diagnose: {problem}", file=sys.stderr)
        return CANNOT_BE_ASKED
    print(json.dumps(told, indent=2, ensure_ascii=False) if arguments.json else _table(told))
    return WELL if told["verdict"] == ALL_WELL else FOUND


def _academy(name: str | None, question: Question) -> Academy:
    """The academy that is named, else the one that can be meant."""
    academies = Academy.objects.exclude(status=Academy.Status.DELETED).order_by("pk")
    if name is not None:
        number = natural(name.strip())
        named = Q(slug=name.strip()) if number is None else Q(slug=name.strip()) | Q(pk=number)
        academy = academies.filter(named).first() if name.strip().isprintable() else None
        if academy is None:
            raise CannotBeAsked(_("There is no academy %(name)s.") % {"name": ascii(name)[1:-1]})
        return academy
    meant = list(academies.filter(pk__in=named_in(question))[:20]) or list(academies[:20])
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise CannotBeAsked(_("There is no academy yet."))
    slugs = ", ".join(academy.slug for academy in meant)
    raise CannotBeAsked(_("Say which academy is meant, with --academy: %(slugs)s.") % {"slugs": slugs})


_MARKS = {"ok": "ok", "no": "NO", "warning": "!!", "skipped": "--"}


def _table(told: dict[str, Any]) -> str:
    """The verdict, its sentence and what to do; below, a line for each check with its evidence."""
    lines = [
        f"{told['verdict']}: {_shown(told['explanation'])}",
        _("Next: %(todo)s") % {"todo": _shown(told["next_action"])},
        "",
    ]
    for check in told["checks"]:
        lines.append(f"{_MARKS[check['result']]:<2}  {check['check']:<10}  {_shown(check['detail'])}")
        evidence = [
            f"{name}={_value(value)}" for name, value in check["evidence"].items() if value not in (None, "", [], {})
        ]
        if evidence:
            lines.append(f"{'':<16}{'; '.join(evidence)}")
    return "\n".join(lines)


def _value(value: object) -> str:
    return _shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _shown(text: str) -> str:
    """A text without what would control the terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
