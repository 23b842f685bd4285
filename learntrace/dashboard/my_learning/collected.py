"""What is collected about a learner: the latest data and their client, who may see them, and the academies' settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.memberships import active_academies, count_readers
from learntrace.accounts.models import Academy, User
from learntrace.accounts.roles import roles_with
from learntrace.dashboard.components import labels
from learntrace.dashboard.components.arrivals import Arrival, arrivals
from learntrace.dashboard.components.newest_events import event_lines
from learntrace.intake.refusal_counts import RefusalCount, refusals_of
from learntrace.learnpack.webhook_log.newest import client_of, newest_webhooks
from learntrace.notebooks.consent import Terms, terms_in
from learntrace.notebooks.front_ends import front_end_name
from learntrace.notebooks.newest_events import last_event_of, newest_events_of
from learntrace.progress.catalogue import titles_of
from learntrace.registry.visibility import nameable_assets

NEWEST = 5
REFUSALS = timedelta(hours=24)

# The labels of the roles that may read what learners send.
READERS: Mapping[str, str | Promise] = {
    "assistant": _("Assistants"),
    "teacher": _("Teachers"),
    "staff": _("Programs of the academy"),
    "admin": _("Administrators"),
}


@dataclass(frozen=True)
class Last:
    """When a source's last data came, and from which client; empty where they don't name one."""

    at: datetime
    client: str


@dataclass(frozen=True)
class Readers:
    """The people of an academy who may see a learner's data: (label of the role, number)."""

    academy: Academy
    roles: Sequence[tuple[str | Promise, int]]


@dataclass(frozen=True)
class Collected:
    """A learner's latest data and refused requests, their readers, and the terms in each of the learner's academies."""

    learnpack: Last | None
    notebooks: Last | None
    newest: tuple[Arrival, ...]
    events: tuple[Arrival, ...]
    refusals: tuple[RefusalCount, ...]
    readers: list[Readers]
    terms: list[Terms]

    @property
    def with_source(self) -> list[Academy]:
        """The academies that keep the source code of cells."""
        return [terms.academy for terms in self.terms if terms.collects_source and terms.academy]

    @property
    def collecting(self) -> bool:
        return all(terms.collecting for terms in self.terms)

    @property
    def may_opt_out(self) -> bool:
        """Whether an academy lets its learners turn the collection off."""
        return any(terms.may_opt_out for terms in self.terms)


def deciding_academy(user: User) -> Academy | None:
    """Return the academy that decides whether the user may turn the collection off: one that allows it, because the
    choice holds in all academies, else the first."""
    terms = terms_in(user, active_academies(user) or [None])
    return next((each.academy for each in terms if each.may_opt_out), terms[0].academy)


def collected(user: User, academies: Sequence[Academy]) -> Collected:
    """Return what is collected about a user; eleven queries and one for each academy, each of a few rows."""
    newest = newest_webhooks(user, NEWEST)
    events = newest_events_of(user, NEWEST)
    keys = [event.subject for event in events]
    titles = {key: title for academy in academies for key, title in titles_of(academy.pk, keys).items()} if keys else {}
    return Collected(
        learnpack=Last(newest[0].created_at, _client(client_of(newest[0].pk))) if newest else None,
        notebooks=_last_event(user),
        newest=arrivals(newest, nameable_assets([academy.pk for academy in academies])),
        events=event_lines(events, titles),
        refusals=refusals_of(user, timezone.now() - REFUSALS),
        readers=_readers(user, academies),
        terms=terms_in(user, academies or [None]),
    )


def _client(agent: str) -> str:
    return str(labels.LEARNPACK_CLIENTS.get(agent, agent))


def _last_event(user: User) -> Last | None:
    event = last_event_of(user)
    if event is None:
        return None
    return Last(event.at, f"{front_end_name(event.front_end)} {event.version}".strip()[:100])


def _readers(user: User, academies: Sequence[Academy]) -> list[Readers]:
    counts = count_readers(user, academies, roles_with("read_assignment"))
    return [
        Readers(
            academy,
            [(label, counts[academy.pk, role]) for role, label in READERS.items() if (academy.pk, role) in counts],
        )
        for academy in academies
    ]
