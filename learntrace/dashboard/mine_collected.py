"""What is collected about oneself: what came last and from where, who may see it, what one's academies have set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roles import roles_with
from learntrace.dashboard.status import Arrival, Refused, arrivals, newest_first, refused
from learntrace.intake.models import Refusal
from learntrace.learnpack.models import Webhook
from learntrace.metrics.attempts import ABORTED, ERROR, OK
from learntrace.notebooks import rejections
from learntrace.notebooks.activities import SOURCE
from learntrace.notebooks.consent import Terms, terms_in
from learntrace.notebooks.models import Event, RejectedEvent
from learntrace.progress.keys import PREFIX
from learntrace.progress.models import Activity

NEWEST = 5
REFUSALS = timedelta(hours=24)
_OUTCOMES: Mapping[str | None, str] = {OK: "done", ERROR: "error", ABORTED: "ignored"}

# How the roles are called that may read what learners send.
READERS: Mapping[str, str | Promise] = {
    "assistant": _("Assistants"),
    "teacher": _("Teachers"),
    "staff": _("Programs of the academy"),
    "admin": _("Administrators"),
}
FRONT_ENDS: Mapping[str, str] = {
    "lab": "JupyterLab",
    "notebook": "Jupyter Notebook",
    "classic": "Jupyter Notebook Classic",
}


@dataclass(frozen=True)
class Last:
    """When something came last, and from which client; empty where it doesn't say."""

    at: datetime
    client: str


@dataclass(frozen=True)
class Readers:
    """Who may see it at an academy: (how they are called, how many)."""

    academy: Academy
    roles: Sequence[tuple[str | Promise, int]]


@dataclass(frozen=True)
class Collected:
    """What came, what was refused, who may see it, and what holds in each of one's academies."""

    learnpack: Last | None
    notebooks: Last | None
    newest: tuple[Arrival, ...]
    events: tuple[Arrival, ...]
    refusals: tuple[Refused, ...]
    readers: list[Readers]
    terms: list[Terms]

    @property
    def with_source(self) -> list[Academy]:
        """The academies that keep the source code of cells."""
        return [one.academy for one in self.terms if one.collects_source and one.academy]

    @property
    def collecting(self) -> bool:
        return all(one.collecting for one in self.terms)

    @property
    def may_opt_out(self) -> bool:
        """Whether an academy lets its learners turn the collection off."""
        return any(one.may_opt_out for one in self.terms)


def academies_of(user: User) -> list[Academy]:
    """The academies that one belongs to now."""
    return list(
        Academy.objects.filter(
            memberships__user=user, memberships__status=Membership.Status.ACTIVE, status=Academy.Status.ACTIVE
        ).order_by("id")
    )


def deciding_academy(user: User) -> Academy | None:
    """The academy whose word on turning the collection off counts: one that allows it, as what one says holds in all."""
    terms = terms_in(user, academies_of(user) or [None])
    return next((one.academy for one in terms if one.may_opt_out), terms[0].academy)


def collected(user: User, academies: Sequence[Academy]) -> Collected:
    """Ask for all of it; ten queries, and none that reads more than a few rows."""
    newest = list(newest_first(Webhook.objects.filter(student=user))[:NEWEST])
    # From activities, which have an index by learner and time: in the table of events one would look through all.
    done = Activity.objects.filter(user=user, source=SOURCE, outcome__isnull=False).order_by("-at", "-arrival")
    return Collected(
        learnpack=_last_webhook(newest[0]) if newest else None,
        notebooks=_last_event(user),
        newest=arrivals(newest),
        events=_newest_events(list(done[:NEWEST]), user),
        refusals=refused(Refusal.objects.filter(user=user), timezone.now() - REFUSALS),
        readers=_readers(academies),
        terms=terms_in(user, academies or [None]),
    )


def _last_webhook(row: Webhook) -> Last:
    agent = KeyTextTransform("agent", "payload")
    return Last(row.created_at, Webhook.objects.filter(pk=row.pk).values_list(agent, flat=True)[0] or "")


def _last_event(user: User) -> Last | None:
    latest = Activity.objects.filter(user=user, source=SOURCE).order_by("-at", "-arrival").values("pk")[:1]
    row = Event.objects.filter(pk__in=latest).values_list("created_at", "context").first()
    if row is None:
        return None
    at, context = row
    context = context if isinstance(context, dict) else {}
    front_end, version = context.get("frontend"), context.get("version")
    named = FRONT_ENDS.get(front_end, front_end) if isinstance(front_end, str) else ""
    return Last(at, f"{named} {version if isinstance(version, str) else ''}".strip()[:100])


def _newest_events(done: Sequence[Activity], user: User) -> tuple[Arrival, ...]:
    """The latest executions, and what couldn't be taken."""
    rejected = RejectedEvent.objects.filter(user=user).only("code", "reason_values", "detail", "updated_at")
    lines = [
        Arrival(
            id=str(one.pk), at=one.at, learner="", event=one.verb, subject=(one.assignment or "").removeprefix(PREFIX),
            status=_OUTCOMES.get(one.outcome, "done"), sentence=str(one.failures[0][0]) if one.failures else "",
        )
        for one in done
    ]  # fmt: skip
    lines += [
        Arrival(
            id=f"rejected-{row.pk}", at=row.updated_at, learner="", event=row.code, subject="", status="rejected",
            sentence=rejections.told(row.code, row.reason_values, row.detail),
        )
        for row in rejected.order_by("-updated_at", "-id")[:NEWEST]
    ]  # fmt: skip
    return tuple(sorted(lines, key=lambda one: one.at, reverse=True)[:NEWEST])


def _readers(academies: Sequence[Academy]) -> list[Readers]:
    rows = (
        Membership.objects.filter(
            academy__in=academies, status=Membership.Status.ACTIVE, role__in=roles_with("read_assignment")
        )
        .order_by()
        .values_list("academy_id", "role")
        .annotate(people=Count("id"))
    )
    counts = {(academy, role): people for academy, role, people in rows}
    return [
        Readers(
            academy,
            [(READERS.get(role, role), counts[academy.pk, role]) for role in READERS if (academy.pk, role) in counts],
        )
        for academy in academies
    ]
