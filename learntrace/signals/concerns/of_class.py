"""The concerns of a class, of an assignment and of a learner, as pages show them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q
from django.db.models.expressions import RawSQL

from learntrace.accounts.models import Academy, User
from learntrace.progress.models import Assignment
from learntrace.progress.reports.selection import slugs_of
from learntrace.registry.models import Asset
from learntrace.signals.class_signals import Trouble, troubles_of
from learntrace.signals.concerns.class_wide import ClassConcern, class_concerns
from learntrace.signals.concerns.reading import ToldConcern, told
from learntrace.signals.concerns.standing import Reasons, StandingConcern, reasons_seen, standing_concerns
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.help_requests.models import HelpRequest

MOST_OF_CLASS = 30
# Those that somebody handles are looked for more seldom.
MOST_HANDLED = 30
MOST_OF_ASSIGNMENT = 10


@dataclass(frozen=True)
class ClassConcerns:
    """The concerns of a class: those of the whole class, the first of its learners, how many of all are open, and each
    learner's trouble. `now` is the learners' clock, from which their ages count."""

    now: datetime
    entries: Sequence[ToldConcern] = ()
    open_count: int = 0
    trouble: Mapping[int, Trouble] = field(default_factory=dict)


def concerns_of_class(
    academy: Academy,
    learner_ids: Collection[int],
    asset: Asset | None = None,
    *,
    everybody: bool,
    keys: Collection[str] = (),
    kept: Collection[int] = (),
) -> ClassConcerns:
    """Read the concerns of a class; `asset`, with its assignments `keys`, limits them, not the learners' trouble.
    `everybody`: the class is all learners of the academy. `kept` are the ids of open concerns that are shown already, however
    many are worse by now."""
    now = now_in(academy.pk)
    # One array: 3,000 parameters of their own take longer to write than the statement to run.
    learners = RawSQL("SELECT unnest(%s::bigint[])", [list(learner_ids)])
    rows = reasons_seen(academy).filter(user__in=learners)
    if asset is not None:
        about = Q(assignment__in=list(keys)) | Q(asset_slug__in=list(slugs_of(frozenset({asset.pk}))))
        # A hand that is about nothing may be about this asset too.
        rows = Reasons(rows.signals.filter(about), rows.hands.filter(about | Q(assignment=None, asset_slug="")))
    of_whole_class = class_concerns(academy, now, None if everybody else learner_ids, keys if asset else None)
    of_learners = standing_concerns(academy.pk, rows)
    first = [concern for concern in of_learners if concern.state == "open"]
    shown = [concern for place, concern in enumerate(first) if place < MOST_OF_CLASS or concern.row.pk in kept]
    handled = [concern for concern in of_learners if concern.state != "open"][:MOST_HANDLED]
    open_of_class = sum(concern.state == "open" for concern in of_whole_class)
    return ClassConcerns(
        now,
        told(academy.pk, [*of_whole_class, *shown, *handled], now),
        open_of_class + len(first),
        troubles_of(academy, learner_ids),
    )


def concerns_on_assignment(academy: Academy, assignment: str, learner_ids: Collection[int] | None) -> list[ToldConcern]:
    """Return the first concerns on an assignment that are not acknowledged; of these learners, or of all where `learner_ids`
    is None."""
    now = now_in(academy.pk)
    rows = reasons_seen(academy).filter(assignment=assignment)
    if learner_ids is not None:
        rows = rows.filter(user__in=learner_ids)
    concerns: list[StandingConcern | ClassConcern] = [*class_concerns(academy, now, learner_ids, [assignment])]
    concerns += standing_concerns(academy.pk, rows)
    return told(academy.pk, [one for one in concerns if one.state != "acknowledged"][:MOST_OF_ASSIGNMENT], now)


def concerns_on_assets(academy: Academy, assets: Sequence[Asset]) -> list[ToldConcern]:
    """Return the first concerns of the class and of its learners on these assets or their assignments that are not
    acknowledged. The assets are one with its translations."""
    now = now_in(academy.pk)
    keys = list(Assignment.objects.filter(academy=academy, asset__in=assets).values_list("key", flat=True))
    about = Q(assignment__in=keys) | Q(asset_slug__in=[asset.slug for asset in assets])
    concerns: list[StandingConcern | ClassConcern] = [*class_concerns(academy, now, None, keys)] if keys else []
    concerns += standing_concerns(academy.pk, reasons_seen(academy).filter(about))
    shown = [concern for concern in concerns if concern.state != "acknowledged"][:MOST_OF_ASSIGNMENT]
    return told(academy.pk, shown, now) if shown else []


def concerns_of_learner(
    academy: Academy, user: User, assignment: str | None = None, hands: Sequence[HelpRequest] | None = None
) -> list[ToldConcern]:
    """Return a learner's concerns that are not over; only that on an assignment, if one is named.

    `hands` are the learner's last ones, where they were read already.
    """
    reasons = reasons_seen(academy).filter(user=user)
    up = None if hands is None else [hand for hand in hands if hand.open]
    if assignment is not None:
        reasons = reasons.filter(assignment=assignment)
        up = None if up is None else [hand for hand in up if hand.assignment == assignment]
    return told(academy.pk, standing_concerns(academy.pk, reasons, hands=up), now_in(academy.pk))
