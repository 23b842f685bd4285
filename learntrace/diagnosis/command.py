"""`learntrace diagnose`: the diagnosis on a terminal."""

import argparse
import json
import sys
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from learntrace.accounts.models import Academy
from learntrace.core.errors import Problem
from learntrace.core.http.filters import natural
from learntrace.diagnosis.fact_queries.gather import gather
from learntrace.diagnosis.question import NotAQuestion, Question, academies_meant, read_question
from learntrace.diagnosis.serializers import as_json
from learntrace.diagnosis.verdicts import ALL_WELL
from learntrace.diagnosis.walk import walk

WELL, FOUND, CANNOT_BE_ASKED = 0, 1, 2


class CannotBeAsked(Exception):
    """It isn't clear which academy is meant; the text says what to add."""


def main(argv: list[str]) -> int:
    """Run `learntrace diagnose`; Django is set up already. Return 0 if all is well, 1 if a problem is found, 2 if the
    question is invalid."""
    parser = argparse.ArgumentParser(prog="learntrace diagnose", description=_("Why is a learner's telemetry missing?"))
    parser.add_argument(
        "--user",
        metavar="NAME",
        help=_("a learner's id, user name or e-mail address; id:101 or name:101 where one looks like the other"),
    )
    parser.add_argument(
        "--asset", metavar="NAME", help=_("an asset's id, slug or alias, a notebook's path, or an assignment's key")
    )
    parser.add_argument("--task", metavar="ID", help=_("a task's id, instead of user and asset"))
    parser.add_argument("--academy", metavar="NAME", help=_("id or slug, where more than one could be meant"))
    parser.add_argument("--json", action="store_true", help=_("print JSON, as the API answers"))
    arguments = parser.parse_args(argv)
    try:
        question = read_question({"user": arguments.user, "asset": arguments.asset, "task": arguments.task})
        answer = as_json(walk(gather(_academy(arguments.academy, question), question)))
    except NotAQuestion:
        text = _("Ask either about a task (--task), or about a learner and an asset (--user and --asset).")
        print(f"learntrace diagnose: {text}", file=sys.stderr)
        return CANNOT_BE_ASKED
    except (CannotBeAsked, Problem) as problem:
        text = problem.told() if isinstance(problem, Problem) else str(problem)
        print(f"learntrace diagnose: {text}", file=sys.stderr)
        return CANNOT_BE_ASKED
    print(json.dumps(answer, indent=2, ensure_ascii=False) if arguments.json else _table(answer))
    return WELL if answer["verdict"] == ALL_WELL else FOUND


def _academy(name: str | None, question: Question) -> Academy:
    """Return the named academy, else the only one that the question can be about."""
    academies = Academy.objects.exclude(status=Academy.Status.DELETED).order_by("pk")
    if name is not None:
        number = natural(name.strip())
        named = Q(slug=name.strip()) if number is None else Q(slug=name.strip()) | Q(pk=number)
        academy = academies.filter(named).first() if name.strip().isprintable() else None
        if academy is None:
            raise CannotBeAsked(_("There is no academy %(name)s.") % {"name": ascii(name)[1:-1]})
        return academy
    meant = list(academies.filter(pk__in=academies_meant(question))[:20]) or list(academies[:20])
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise CannotBeAsked(_("There is no academy yet."))
    slugs = ", ".join(academy.slug for academy in meant)
    raise CannotBeAsked(_("Say which academy is meant, with --academy: %(slugs)s.") % {"slugs": slugs})


_MARKS = {"ok": "ok", "no": "NO", "warning": "!!", "skipped": "--"}


def _table(answer: dict[str, Any]) -> str:
    """Return the verdict with its sentence and the next step; below, a line for each check with its evidence."""
    lines = [
        f"{answer['verdict']}: {_shown(answer['explanation'])}",
        _("Next: %(todo)s") % {"todo": _shown(answer["next_action"])},
        "",
    ]
    for check in answer["checks"]:
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
    """Return a text without the characters that would control the terminal."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
