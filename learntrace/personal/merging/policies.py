"""What a merge does with the rows of each table that names users: one list, and the only place where conflicts are decided.

A conflict is a row of the user who goes that stands where the other has one already, by a unique constraint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final


class Rule(Enum):
    """What becomes of the rows of the user who goes."""

    MOVE = "they go over; where the other has such a row already, that one stays"
    NEWER = "they go over; of two records of one asset the newer stays, as if both had come from one client"
    STRICTER = "they go over; an opt-out of either of the two holds"
    DERIVED = "they are made again from what went over"
    STAY = "they stay: they tell what the account did that was"


@dataclass(frozen=True)
class Policy:
    """The rule of a table's column, and the columns that follow it: the learner's turn, the user's name."""

    rule: Rule
    turn: str = ""
    name: str = ""


_MOVE: Final = Policy(Rule.MOVE)
_DERIVED: Final = Policy(Rule.DERIVED)

# By model and field. What isn't here is refused by a test, so that no new table is forgotten.
POLICIES: Mapping[str, Policy] = {
    "admin.LogEntry.user": Policy(Rule.STAY),
    "accounts.MergedUser.user": _MOVE,
    # The one who stays keeps the role: a merge gives nobody more rights in an academy.
    "accounts.Membership.user": _MOVE,
    "accounts.CohortLearner.user": _MOVE,
    "accounts.Invitation.made_by": _MOVE,
    "accounts.Invitation.used_by": _MOVE,
    "accounts.RosterJob.made_by": _MOVE,
    "accounts.RosterJob.asked_by": _MOVE,
    "accounts.Grant.user": _MOVE,
    "accounts.Token.user": _MOVE,
    # The account that was can't sign in any more; whoever has it back by an undo has them back too.
    "accounts.AuthenticatorApp.user": Policy(Rule.STAY),
    "accounts.Passkey.user": Policy(Rule.STAY),
    "accounts.RecoveryCode.user": Policy(Rule.STAY),
    "accounts.SignInSession.user": Policy(Rule.STAY),
    "personal.Erasure.user": _MOVE,
    # A merge is refused while one is waiting.
    "personal.PendingErasure.user": Policy(Rule.STAY),
    "personal.UserMerge.into": _MOVE,
    "personal.UserMerge.merged": Policy(Rule.STAY),
    "personal.UserMerge.merged_by": Policy(Rule.STAY),
    "personal.UserMerge.undone_by": Policy(Rule.STAY),
    "intake.Refusal.user": _MOVE,
    "assignments.Task.user": _MOVE,
    "assignments.Extension.user": _MOVE,
    "assignments.AssignmentTelemetry.user": Policy(Rule.NEWER),
    "progress.Activity.user": _MOVE,
    "progress.CodeUse.user": _MOVE,
    "progress.Exclusion.user": _MOVE,
    "progress.Exclusion.excluded_by": _MOVE,
    "progress.Exclusion.lifted_by": _MOVE,
    "progress.CourseRun.user": _MOVE,
    "progress.Floor.user": _MOVE,
    "progress.EarlierRun.user": _MOVE,
    "progress.SummarySubscription.user": _MOVE,
    "progress.StepRename.made_by": _MOVE,
    "progress.StepRename.undone_by": _MOVE,
    "progress.StepList.user": _MOVE,
    "progress.Progress.user": _DERIVED,
    "progress.Stale.user": _MOVE,
    "progress.Recomputation.user": _DERIVED,
    "signals.Signal.user": _MOVE,
    "signals.Signal.acknowledged_by": _MOVE,
    "signals.Concern.user": _MOVE,
    "signals.ConcernAct.by": _MOVE,
    "signals.ConcernAct.assignee": _MOVE,
    "signals.ConcernAct.undone_by": _MOVE,
    # Of two hands that are up at one academy, that of the one who stays.
    "signals.HelpRequest.user": _MOVE,
    "signals.HelpRequest.helped_by": _MOVE,
    "signals.Watch.user": _DERIVED,
    "signals.NotificationRule.user": _MOVE,
    "signals.Notification.user": _MOVE,
    "learnpack.Webhook.student": Policy(Rule.MOVE, turn="turn_learner"),
    "learnpack.Webhook.sender": _MOVE,
    "learnpack.UnreadDocument.user": _MOVE,
    "learnpack.ReadingPosition.user": _DERIVED,
    "notebooks.Event.user": Policy(Rule.MOVE, name="actor"),
    "notebooks.Event.sender": _MOVE,
    "notebooks.RejectedEvent.sender": _MOVE,
    "notebooks.RejectedEvent.user": _MOVE,
    "notebooks.Consent.user": Policy(Rule.STRICTER),
}
