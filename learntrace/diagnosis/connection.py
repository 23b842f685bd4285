"""Whether a source is connected to an academy, and if it isn't, what stands in its way: what the page Connect shows.

The light of a source turns green with its first telemetry, whatever became of it later: from then on the webhook log and the
diagnosis of a learner tell more. Until then, the requests that were refused and the events that were rejected say why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.models import Academy
from learntrace.diagnosis.checks.front_door import VERDICT_OF
from learntrace.intake.refusal_counts import RefusalCount, refusals_in, refusals_of_nobody
from learntrace.learnpack.inbox.source import LearnPackInbox
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.processing.outcomes import status_text
from learntrace.learnpack.webhook_log.search import newest_of
from learntrace.notebooks.inbox.source import EventsInbox
from learntrace.notebooks.newest_events import last_event_at
from learntrace.notebooks.rejected.counts import RejectedCount, count_by_code

LATELY: Final = timedelta(days=1)
# Among as many of the newest messages a batch is looked for: a client sends some events between two.
_RECENT: Final = 20


class State(StrEnum):
    """The state of a source's connection."""

    WAITING = "waiting"
    TROUBLE = "trouble"
    CONNECTED = "connected"


@dataclass(frozen=True)
class Cause:
    """What stands in the way of telemetry, and what to do about it."""

    sentence: str | Promise
    next_step: str | Promise


@dataclass(frozen=True)
class Obstacle:
    """A cause that was met: how often, and when last; `of_events` where events are counted instead of requests."""

    reason: str
    cause: Cause
    times: int
    newest: datetime
    of_events: bool = False


@dataclass(frozen=True)
class Connection:
    """What is known of a source's connection to an academy.

    `failure` says why the newest batch of a connected source (before any batch: its newest event) could not be used, and is
    empty where it could; `learner_id` and `asset` are whose it is and what it is about, to ask a diagnosis.
    """

    source: str
    state: State
    last_at: datetime | None
    obstacles: tuple[Obstacle, ...]
    failure: str = ""
    learner_id: int | None = None
    asset: str = ""


_MALFORMED: Final = Cause(
    _("Requests arrived that this server can't read."),
    _("Update the client. Telemetry health shows what was wrong with them."),
)
# By the verdict that a diagnosis of one learner would end with.
_CAUSES: Final[Mapping[str, Cause]] = {
    "refused-invalid-token": Cause(
        _("Requests came with a key that nobody has, or without one."),
        _("Copy the whole key into the client. If it is lost, create a new one here."),
    ),
    "refused-expired-token": Cause(
        _("Requests came with a key that has expired."), _("Create a new key here, and put it into the client.")
    ),
    "account-inactive": Cause(
        _("Requests came with the key of an account that isn't active."),
        _("Use the key of somebody who is active, or activate the account in the administration."),
    ),
    "refused-no-permission": Cause(
        _("Requests came from somebody who may not send telemetry."),
        _("Use a learner's key, or an administrator's: teachers and assistants send none."),
    ),
    "refused-academy": Cause(
        _("Requests named another academy than that of their sender."),
        _("Correct the academy in the client's settings, or leave it out."),
    ),
    "refused-another-user": Cause(
        _("Requests named a learner for whom their key may not send."),
        _(
            "Give each learner a key of their own. An administrator's key sends for the learners of the academy only: "
            "add whoever is missing."
        ),
    ),
    "refused-too-large": Cause(
        _("Requests were larger than this server accepts."),
        _("Raise LEARNTRACE_BODY_LIMIT, or make the package smaller."),
    ),
    "opted-out": Cause(
        _("The learner has asked that no notebook events are collected."),
        _("Try it with somebody else: that is the learner's to decide."),
    ),
    "refused-malformed": _MALFORMED,
}
_OTHER: Final = Cause(
    _("Requests were refused."), _("Telemetry health shows the reason of each, and the reference says what to do.")
)
_HUB: Final = Cause(
    _("Requests of a JupyterHub were refused."),
    _("Check the two settings of the hub on this server, and restart it; learntrace doctor says what is wrong."),
)
_REJECTED: Final = Cause(
    _("Events of notebooks arrived, and were rejected."), _("Telemetry health shows each with its reason.")
)


def connections_of(academy: Academy, now: datetime | None = None) -> tuple[Connection, Connection]:
    """Return the connections of LearnPack and of notebooks; at most eight queries."""
    since = (now or timezone.now()) - LATELY
    return _learnpack(academy, since), _notebooks(academy, since)


def _learnpack(academy: Academy, since: datetime) -> Connection:
    rows = newest_of(academy, _RECENT)
    if rows:
        # What a batch lacks is what matters; the slug of an event names a step.
        told = next((row for row in rows if not row.is_streaming), rows[0])
        failure = (status_text(told) or "") if told.status == Webhook.Status.ERROR else ""
        slug = "" if told.is_streaming else told.package_slug or ""
        asset = told.asset.slug if told.asset else slug
        return Connection("learnpack", State.CONNECTED, rows[0].created_at, (), failure, told.student_id, asset)
    return _unconnected("learnpack", tuple(_refused(academy, LearnPackInbox.path, since)))


def _notebooks(academy: Academy, since: datetime) -> Connection:
    last_at = last_event_at(academy)
    if last_at is not None:
        return Connection("notebooks", State.CONNECTED, last_at, ())
    rejected = map(_rejected, count_by_code(academy, since))
    return _unconnected("notebooks", (*rejected, *_refused(academy, EventsInbox.path, since)))


def _unconnected(source: str, obstacles: tuple[Obstacle, ...]) -> Connection:
    return Connection(source, State.TROUBLE if obstacles else State.WAITING, None, obstacles)


def _refused(academy: Academy, path: str, since: datetime) -> Iterator[Obstacle]:
    """Yield the reasons of refusals: of the academy's members, and of clients whose key nobody has."""
    for count in (*refusals_in(academy, since, path), *refusals_of_nobody(since, path)):
        yield Obstacle(count.reason, _cause_of(count), count.requests, count.newest)


def _cause_of(count: RefusalCount) -> Cause:
    if count.reason.startswith("hub-") or count.reason == "no-hub":
        return _HUB
    return _CAUSES.get(VERDICT_OF.get(count.reason, ""), _OTHER)


def _rejected(count: RejectedCount) -> Obstacle:
    return Obstacle(count.code, _REJECTED, count.events, count.newest, of_events=True)
