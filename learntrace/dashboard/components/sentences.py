"""The sentence with which a page begins: where a learner, an assignment or a class stands. Reads nothing.

Every page that tells of a learner has it from `of_learner`, and the state in it is that of `measures.learner_state`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_noop as _

from learntrace.dashboard.components.labels import age, seconds_since
from learntrace.progress.standings.common_error import CommonError
from learntrace.progress.standings.current_work import CurrentWork

# Longer without anything from a learner, and the sentence tells what was, not what is.
AWAY: Final = timedelta(minutes=15)

# What is told of a learner by name, and what is told to the learner.
_HERE: Final[Mapping[str, tuple[str, str]]] = {
    "stuck": (
        _("%(name)s is on %(title)s, stuck for %(time)s"),
        _("You are on %(title)s, stuck for %(time)s"),
    ),
    "stuck_on": (
        _("%(name)s is on %(title)s, stuck for %(time)s on %(error)s"),
        _("You are on %(title)s, stuck for %(time)s on %(error)s"),
    ),
    "struggling": (
        _("%(name)s is on %(title)s, struggling for %(time)s"),
        _("You are on %(title)s, which has been hard going for %(time)s"),
    ),
    "struggling_on": (
        _("%(name)s is on %(title)s, struggling for %(time)s with %(error)s"),
        _("You are on %(title)s, which has been hard going for %(time)s: %(error)s"),
    ),
    "working": (
        _("%(name)s is on %(title)s, started %(time)s ago"),
        _("You are on %(title)s, started %(time)s ago"),
    ),
    "done": (
        _("%(name)s finished %(title)s %(time)s ago"),
        _("You finished %(title)s %(time)s ago"),
    ),
    "again": (
        _("%(name)s is back on %(title)s, which was already done"),
        _("You are back on %(title)s, which was already done"),
    ),
}
_AWAY: Final[Mapping[str, tuple[str, str]]] = {
    "stuck": (
        _("%(name)s was last on %(title)s %(ago)s ago, and got stuck"),
        _("You were last on %(title)s %(ago)s ago, and got stuck"),
    ),
    "stuck_on": (
        _("%(name)s was last on %(title)s %(ago)s ago, and got stuck on %(error)s"),
        _("You were last on %(title)s %(ago)s ago, and got stuck on %(error)s"),
    ),
    "struggling": (
        _("%(name)s was last on %(title)s %(ago)s ago, and struggled"),
        _("You were last on %(title)s %(ago)s ago, and it was hard going"),
    ),
    "struggling_on": (
        _("%(name)s was last on %(title)s %(ago)s ago, and struggled with %(error)s"),
        _("You were last on %(title)s %(ago)s ago, and it was hard going: %(error)s"),
    ),
    "working": (
        _("%(name)s was last on %(title)s %(ago)s ago, not yet done"),
        _("You were last on %(title)s %(ago)s ago, not yet done"),
    ),
    "done": (
        _("%(name)s was last on %(title)s %(ago)s ago, and finished it"),
        _("You were last on %(title)s %(ago)s ago, and finished it"),
    ),
    "again": (
        _("%(name)s was last on %(title)s %(ago)s ago, which was already done"),
        _("You were last on %(title)s %(ago)s ago, which was already done"),
    ),
}
_NOT_SEEN: Final = _("%(name)s hasn't tried any assignment yet"), _("You haven't tried any assignment yet")


def of_learner(work: CurrentWork | None, done: int, total: int, name: str = "") -> str:
    """Return where a learner stands; without a name, as it is told to the learner.

    `done` of `total` assignments are done; a total of 0 is not told.
    """
    to_learner = not name
    if work is None:
        sentence = gettext(_NOT_SEEN[to_learner]) % {"name": name}
    else:
        sentences = _AWAY if timezone.now() - work.last_seen_at > AWAY else _HERE
        sentence = gettext(sentences[_case(work)][to_learner]) % {
            "name": name,
            "title": quoted(work),
            "time": _span(seconds_since(work.standing.since or work.last_seen_at)),
            "ago": _span(seconds_since(work.last_seen_at)),
            "error": work.error,
        }
    if not total:
        return gettext("%(sentence)s.") % {"sentence": sentence}
    return gettext("%(sentence)s; %(done)s of %(total)s done.") % {"sentence": sentence, "done": done, "total": total}


def _span(seconds: float) -> str:
    """Return a time span within a sentence, in which seconds would be false precision."""
    return age(seconds) if seconds >= 60 else gettext("less than a minute")


def _case(work: CurrentWork) -> str:
    state = work.standing.state
    if state == "done":
        return "again" if work.standing.trying_again or work.last_seen_at > _done_until(work) else "done"
    return f"{state}_on" if state in ("stuck", "struggling") and work.error else state


def _done_until(work: CurrentWork) -> datetime:
    """Return until when what comes from the learner belongs to the finishing: a last look, a save."""
    return (work.standing.done_at or work.last_seen_at) + AWAY


def quoted(work: CurrentWork) -> str:
    """Return what an assignment is called within a sentence: its title in quotes, else its name."""
    return gettext("“%(title)s”") % {"title": work.title} if work.title and work.title != work.name else work.name


def of_assignment(counts: Mapping[str, int], error: CommonError | None) -> str:
    """Return where a class stands on an assignment; `counts` are learners by state, `error` what most of the stuck met.

    Where nobody is stuck, `error` is what most of those who struggle met. Empty without a class.
    """
    total = sum(counts.values())
    if not total:
        return ""
    if counts["not_started"] == total:
        return gettext("Nobody has started it yet.")
    if counts["done"]:
        solved = ngettext(
            "%(done)s of %(total)s has completed it", "%(done)s of %(total)s have completed it", counts["done"]
        ) % {"done": counts["done"], "total": total}
    else:
        solved = gettext("None of %(total)s has completed it yet") % {"total": total}
    parts = [solved]
    if counts["stuck"]:
        stuck = ngettext("%(count)s is stuck", "%(count)s are stuck", counts["stuck"]) % {"count": counts["stuck"]}
        parts.append(_with_error(stuck, error))
    if counts["struggling"]:
        struggling = ngettext("%(count)s is struggling", "%(count)s are struggling", counts["struggling"])
        clause = struggling % {"count": counts["struggling"]}
        parts.append(clause if counts["stuck"] else _with_error(clause, error, struggling=True))
    return gettext("%(sentence)s.") % {"sentence": "; ".join(parts)}


def _with_error(clause: str, error: CommonError | None, *, struggling: bool = False) -> str:
    if error is None:
        return clause
    if struggling:
        told = gettext("%(clause)s, with %(error)s") if error.everybody else gettext("%(clause)s, most with %(error)s")
    else:
        told = gettext("%(clause)s, on %(error)s") if error.everybody else gettext("%(clause)s, most on %(error)s")
    return told % {"clause": clause, "error": error.text}


@dataclass(frozen=True)
class ClassStanding:
    """A class in figures: how many learners there are, were seen today, and are stuck or struggle with what they are on.

    `median` is the completed share, in percent, of the learner in the middle; `stuck_on` what most of the stuck are on.
    """

    learners: int
    today: int
    stuck: int
    struggling: int
    median: float
    stuck_on: CurrentWork | None = None
    all_stuck_there: bool = False


def standing_of_class(works: Sequence[CurrentWork | None], completed: Sequence[float]) -> ClassStanding:
    """Return the figures of a class from the work in hand of each of its learners, and their completed shares in percent."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    seen = [work for work in works if work is not None]
    stuck = [work for work in seen if work.standing.state == "stuck"]
    by_key: dict[str, list[CurrentWork]] = {}
    for work in stuck:
        by_key.setdefault(work.key, []).append(work)
    most = max(by_key.values(), key=len, default=[])
    return ClassStanding(
        learners=len(works),
        today=sum(work.last_seen_at >= midnight for work in seen),
        stuck=len(stuck),
        struggling=sum(work.standing.state == "struggling" for work in seen),
        # Half of the class has done so much at least.
        median=sorted(completed, reverse=True)[(len(completed) - 1) // 2] if completed else 0.0,
        stuck_on=most[0] if 2 * len(most) > len(stuck) else None,
        all_stuck_there=len(most) == len(stuck) > 0,
    )


def of_class(standing: ClassStanding, name: str = "") -> str:
    """Return where a class stands; `name` is that of its cohort, if it is one."""
    if not standing.learners:
        return ""
    parts = [
        ngettext(
            "%(today)s of %(count)s learner was active today",
            "%(today)s of %(count)s learners were active today",
            standing.learners,
        )
        % {"today": standing.today, "count": standing.learners}
    ]
    if standing.stuck:
        stuck = ngettext("%(count)s is stuck", "%(count)s are stuck", standing.stuck) % {"count": standing.stuck}
        if standing.stuck_on is not None:
            told = (
                gettext("%(clause)s, on %(title)s")
                if standing.all_stuck_there
                else gettext("%(clause)s, most on %(title)s")
            )
            stuck = told % {"clause": stuck, "title": quoted(standing.stuck_on)}
        parts.append(stuck)
    if standing.struggling:
        struggling = ngettext("%(count)s is struggling", "%(count)s are struggling", standing.struggling)
        parts.append(struggling % {"count": standing.struggling})
    # Of one learner there is no half, and that half have done nothing at least is always so.
    if standing.learners > 1 and int(standing.median):
        percent = int(standing.median)
        half = (
            gettext("half have done at least %(percent)s%%")
            if percent < 100
            else gettext("at least half have done everything")
        )
        parts.append(half % {"percent": percent})
    sentence = gettext("%(sentence)s.") % {"sentence": "; ".join(parts)}
    return gettext("%(name)s: %(sentence)s") % {"name": name, "sentence": sentence} if name else sentence
