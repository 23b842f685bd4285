"""What pages and answers tell of concerns beside their state: learners, reasons, figures and names."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.cohort_limits.limit import is_limited, seen
from learntrace.accounts.models import Academy, User
from learntrace.core.errors import NotFound
from learntrace.progress.assignment_keys import PREFIX
from learntrace.progress.catalogue import shown_keys
from learntrace.progress.models import Assignment
from learntrace.signals.concerns import summary
from learntrace.signals.concerns.class_wide import ClassConcern, class_concerns
from learntrace.signals.concerns.figures import NO_FIGURES, Figures, figures_of
from learntrace.signals.concerns.standing import StandingConcern, of_subjects, subject_of
from learntrace.signals.evaluation.clock import now_in
from learntrace.signals.help_requests.models import HelpRequest
from learntrace.signals.models import Concern, Signal
from learntrace.signals.named_steps import named_for_class
from learntrace.signals.queries import with_users

AnyConcern = StandingConcern | ClassConcern


class ConcernNotFound(NotFound):
    slug = "concern-not-found"
    text = _("Concern not found")


@dataclass(frozen=True)
class ToldConcern:
    """A concern with all that is told of it; `now` is the learners' clock.

    `assignment` is None where it is a step that a learner made up, which only names its asset to the class.
    """

    concern: AnyConcern
    now: datetime
    assignment: str | None
    asset: str | None
    learner: User | None = None
    reasons: Sequence[Signal] = ()
    figures: Figures = NO_FIGURES
    hand: HelpRequest | None = None

    @property
    def about(self) -> str:
        """The name of its assignment, else of its asset."""
        return (self.assignment or self.asset or "").removeprefix(PREFIX)

    @property
    def summary(self) -> str:
        """Its life in whole words, in the active language."""
        return self.summary_about(self.about)

    def summary_about(self, about: str) -> str:
        """Return its life in whole words; `about` is what its assignment is called where people read it."""
        if isinstance(self.concern, ClassConcern):
            return summary.met_by_many(len(self.concern.met.learners), self.concern.met.text, about)
        if self.hand is not None and not self.reasons:
            return summary.hand_up(self.hand)
        return summary.life_of(self.concern.since, self.now, self.figures)


def told(academy_id: int, concerns: Sequence[AnyConcern], now: datetime) -> list[ToldConcern]:
    """Return concerns with what is told of them, in their order; at most five queries."""
    own = [concern for concern in concerns if isinstance(concern, StandingConcern)]
    ids = [signal.id for concern in own for signal in concern.signals]
    stored = named_for_class(with_users(Signal.objects.filter(pk__in=ids))) if ids else []
    signals = {signal.pk: signal for signal in stored}
    figures = figures_of(academy_id, own, signals)
    keys = {concern.row.assignment for concern in concerns if concern.row.assignment}
    shown = shown_keys(academy_id, keys)
    assets = _assets(academy_id, keys) if any(isinstance(concern, ClassConcern) for concern in concerns) else {}
    entries = []
    for concern in concerns:
        key = concern.row.assignment if concern.row.assignment in shown else None
        if isinstance(concern, ClassConcern):
            entries.append(ToldConcern(concern, now, key, assets.get(concern.row.assignment or "")))
            continue
        reasons = [signals[signal.id] for signal in concern.signals if signal.id in signals]
        if not reasons and concern.hand is None:
            continue  # all of them were deleted since
        asset = concern.asset_slug or (concern.row.assignment or "").partition("/")[0] or None
        entries.append(
            ToldConcern(
                concern,
                now,
                key,
                asset,
                _learner_of(concern, reasons),
                reasons,
                figures.get(concern.row.pk, NO_FIGURES),
                concern.hand,
            )
        )
    return entries


def _learner_of(concern: StandingConcern, reasons: Sequence[Signal]) -> User | None:
    if reasons:
        return reasons[0].user
    return concern.hand.user if concern.hand else None


def _assets(academy_id: int, keys: Collection[str]) -> dict[str, str]:
    rows = Assignment.objects.filter(academy=academy_id, key__in=keys)
    return dict(rows.values_list("key", "asset__slug"))


def row_of(academy: Academy, concern_id: int) -> Concern:
    """Return the row of one of the academy's concerns, if the member sees whom it is about.

    A member who is limited to cohorts sees a concern of the class while it is one of theirs.

    Raises ConcernNotFound.
    """
    rows = Concern.objects.filter(academy=academy, pk=min(concern_id, 2**63 - 1))
    if is_limited(academy):
        rows = rows.filter(seen(academy) | Q(user=None))
    row = rows.select_related("user").first()
    if row is None or (row.user_id is None and is_limited(academy) and current(academy, row) is None):
        raise ConcernNotFound
    return row


def current(academy: Academy, row: Concern) -> AnyConcern | None:
    """Return a concern of the academy as it stands now for the member, None where it is over."""
    found: Sequence[AnyConcern]
    if row.user_id is not None:
        found = of_subjects(academy.pk, [subject_of(row)])
    else:
        found = class_concerns(academy, now_in(academy.pk), keys=[row.assignment or ""])
    return next((concern for concern in found if concern.row.pk == row.pk), None)
