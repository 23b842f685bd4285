"""What is recorded in the audit log, in one list. A new action of staff is a new line here, and a test asks for it.

An action is recorded where it is carried out, so that page, API, command and administration leave the same entry. What the
administration does to rows of any table is recorded by `administration.py`, under the last three.
"""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Kind(StrEnum):
    """What an action does. `CHANGE`: an entry only where something differs afterwards; the others always."""

    CHANGE = "change"
    EVENT = "event"
    READ = "read"


@dataclass(frozen=True, slots=True)
class Action:
    """An action; `object_type` is the kind of thing whose id the entry has."""

    slug: str
    title: str | Promise
    object_type: str = ""
    kind: Kind = Kind.CHANGE


SETTINGS_CHANGED = Action("settings.changed", _("Changed the academy's settings"), "academy")
IGNORE_RULES_CHANGED = Action("ignore_rules.changed", _("Changed the ignore rules"), "academy")
NOTIFICATION_RULE_MADE = Action("notification_rule.made", _("Created a notification rule"), "notification rule")
NOTIFICATION_RULE_CHANGED = Action("notification_rule.changed", _("Changed a notification rule"), "notification rule")
NOTIFICATION_RULE_DELETED = Action("notification_rule.deleted", _("Deleted a notification rule"), "notification rule")
NOTIFICATION_RULE_TRIED = Action("notification_rule.tried", _("Sent a test message"), "notification rule", Kind.EVENT)
TELEMETRY_CORRECTED = Action("telemetry.corrected", _("Corrected telemetry"), "telemetry record")
ATTEMPTS_EXCLUDED = Action(
    "attempts.excluded", pgettext_lazy("somebody did", "Excluded attempts"), "exclusion", Kind.EVENT
)
EXCLUSION_LIFTED = Action("exclusion.lifted", _("Lifted an exclusion"), "exclusion", Kind.EVENT)
STEP_RENAMED = Action("step.renamed", _("Joined a renamed step with its former name"), "rename of a step")
STEP_RENAME_UNDONE = Action(
    "step_rename.undone", _("Separated a renamed step from its former name"), "rename of a step"
)
CONCERN_HANDLED = Action("concern.handled", _("Handled a concern"), "concern")
CONCERN_ACT_UNDONE = Action("concern_act.undone", _("Undid an action on a concern"), "concern")
HELP_GIVEN = Action("help_request.handled", _("Responded to a raised hand"), "raised hand")
HELP_UNDONE = Action("help_request.undone", _("Undid an action on a raised hand"), "raised hand")
SIGNAL_STATE_CHANGED = Action("signal.state_changed", _("Changed a signal's state"), "signal")
STATISTICS_REQUESTED = Action("statistics.requested", _("Requested a recomputation of statistics"), "asset", Kind.EVENT)
NOTEBOOK_PUBLISHED = Action("notebook.published", _("Published a notebook"), "asset")
WEBHOOKS_DELETED = Action("webhooks.deleted", _("Deleted failed webhooks"), "webhook", Kind.EVENT)
WEBHOOKS_RETRIED = Action("webhooks.retried", _("Retried webhooks"), "webhook", Kind.EVENT)
REJECTED_EVENT_RETRIED = Action("rejected_event.retried", _("Accepted a rejected event"), "rejected event", Kind.EVENT)
SUMMARY_SUBSCRIBED = Action("summary.subscribed", _("Changed their weekly summary by e-mail"), "")
SOURCE_READ = Action("source.read", _("Read source code"), "", Kind.READ)
TABLE_EXPORTED = Action("table.exported", _("Downloaded a table as CSV"), "", Kind.READ)
DATA_EXPORTED = Action("data.exported", _("Exported somebody's data"), "user", Kind.READ)
DATA_ERASED = Action("data.erased", _("Erased somebody's data"), "user", Kind.EVENT)
ERASURE_ASKED = Action("erasure.asked", _("Requested an erasure, due in a day"), "user")
ERASURE_UNDONE = Action("erasure.undone", _("Cancelled a pending erasure"), "user")
USERS_MERGED = Action("users.merged", _("Merged two users"), "merge of users", Kind.EVENT)
USERS_SEPARATED = Action("users.separated", _("Undid a merge of users"), "merge of users", Kind.EVENT)
COHORT_LIMIT_CHANGED = Action("cohort_limit.changed", _("Changed which cohorts somebody sees"), "membership")
ROSTER_IMPORTED = Action("roster.imported", _("Imported a roster"))
SETUP_CODE_MADE = Action("setup_code.made", _("Created a code for the set-up page"), "", Kind.EVENT)
INSTALLATION_SET_UP = Action("installation.set_up", _("Set up the installation"), "academy", Kind.EVENT)
ACADEMY_MADE = Action("academy.made", _("Created an academy"), "academy", Kind.EVENT)
SAMPLE_PUT_IN = Action("sample.put_in", _("Added sample data"), "academy", Kind.EVENT)
SAMPLE_TAKEN_OUT = Action("sample.taken_out", _("Removed sample data"), "academy", Kind.EVENT)
ROSTER_UNDONE = Action("roster.undone", _("Undid the import of a roster"), "import of a roster")
PERSON_ADDED = Action("person.added", _("Added somebody to the academy"), "user")
PERSON_CHANGED = Action("person.changed", _("Changed somebody's names or address"), "user")
ROLE_CHANGED = Action("role.changed", _("Changed somebody's role"), "membership")
PERSON_ARCHIVED = Action("person.archived", _("Archived somebody"), "membership")
PERSON_RESTORED = Action("person.restored", _("Restored somebody from the archive"), "membership")
COHORT_MADE = Action("cohort.made", _("Created a cohort"), "cohort")
COHORT_CHANGED = Action("cohort.changed", _("Changed a cohort"), "cohort")
COHORT_LEARNERS_CHANGED = Action("cohort_learners.changed", _("Changed who is in a cohort"), "cohort")
INVITATION_MADE = Action("invitation.made", _("Invited somebody"), "invitation")
INVITATION_REVOKED = Action("invitation.revoked", _("Revoked an invitation"), "invitation")
INVITATION_USED = Action("invitation.used", _("Accepted an invitation"), "invitation", Kind.EVENT)
DUE_DATE_CHANGED = Action("due_date.changed", _("Changed a due date"), "due date")
EXTENSION_CHANGED = Action("extension.changed", _("Changed somebody's extension"), "due date")
PASSWORD_CHANGED = Action("password.changed", _("Changed a password"), "user", Kind.EVENT)
SECOND_FACTOR_ADDED = Action("second_factor.added", _("Added a second factor"), "user")
SECOND_FACTOR_REMOVED = Action("second_factor.removed", _("Removed a second factor"), "user")
RECOVERY_CODES_REPLACED = Action("recovery_codes.replaced", _("Replaced the recovery codes"), "user", Kind.EVENT)
SESSIONS_ENDED = Action("sessions.ended", _("Ended sessions"), "user")
UNLOCKED = Action("sign_in.unlocked", _("Unlocked a sign-in after failed attempts"), "user")
TOKEN_MADE = Action("token.made", _("Created a key"), "token")
TOKEN_REVOKED = Action("token.revoked", _("Revoked a key"), "token")
TOKEN_ROTATED = Action("token.rotated", _("Rotated a key"), "token")
COMMAND_RUN = Action("command.run", _("Ran a command"), "", Kind.EVENT)
ROW_ADDED = Action("row.added", _("Added a row in the administration"), "", Kind.EVENT)
ROW_CHANGED = Action("row.changed", _("Changed a row in the administration"))
ROW_DELETED = Action("row.deleted", _("Deleted a row in the administration"), "", Kind.EVENT)

ACTIONS: tuple[Action, ...] = (
    SETTINGS_CHANGED,
    IGNORE_RULES_CHANGED,
    NOTIFICATION_RULE_MADE,
    NOTIFICATION_RULE_CHANGED,
    NOTIFICATION_RULE_DELETED,
    NOTIFICATION_RULE_TRIED,
    TELEMETRY_CORRECTED,
    ATTEMPTS_EXCLUDED,
    EXCLUSION_LIFTED,
    STEP_RENAMED,
    STEP_RENAME_UNDONE,
    CONCERN_HANDLED,
    CONCERN_ACT_UNDONE,
    HELP_GIVEN,
    HELP_UNDONE,
    SIGNAL_STATE_CHANGED,
    STATISTICS_REQUESTED,
    NOTEBOOK_PUBLISHED,
    WEBHOOKS_DELETED,
    WEBHOOKS_RETRIED,
    REJECTED_EVENT_RETRIED,
    SOURCE_READ,
    SUMMARY_SUBSCRIBED,
    TABLE_EXPORTED,
    DATA_EXPORTED,
    DATA_ERASED,
    ERASURE_ASKED,
    ERASURE_UNDONE,
    USERS_MERGED,
    USERS_SEPARATED,
    COHORT_LIMIT_CHANGED,
    ROSTER_IMPORTED,
    SETUP_CODE_MADE,
    INSTALLATION_SET_UP,
    ACADEMY_MADE,
    SAMPLE_PUT_IN,
    SAMPLE_TAKEN_OUT,
    ROSTER_UNDONE,
    PERSON_ADDED,
    PERSON_CHANGED,
    ROLE_CHANGED,
    PERSON_ARCHIVED,
    PERSON_RESTORED,
    COHORT_MADE,
    COHORT_CHANGED,
    COHORT_LEARNERS_CHANGED,
    INVITATION_MADE,
    INVITATION_REVOKED,
    INVITATION_USED,
    DUE_DATE_CHANGED,
    EXTENSION_CHANGED,
    PASSWORD_CHANGED,
    SECOND_FACTOR_ADDED,
    SECOND_FACTOR_REMOVED,
    RECOVERY_CODES_REPLACED,
    SESSIONS_ENDED,
    UNLOCKED,
    TOKEN_MADE,
    TOKEN_REVOKED,
    TOKEN_ROTATED,
    COMMAND_RUN,
    ROW_ADDED,
    ROW_CHANGED,
    ROW_DELETED,
)
# What concerns a person and no academy is read by the admins of all academies that the person is a member of.
OF_MEMBERS: tuple[Action, ...] = (
    DATA_EXPORTED,
    DATA_ERASED,
    ERASURE_ASKED,
    ERASURE_UNDONE,
    USERS_MERGED,
    USERS_SEPARATED,
    PASSWORD_CHANGED,
    SECOND_FACTOR_ADDED,
    SECOND_FACTOR_REMOVED,
    RECOVERY_CODES_REPLACED,
    SESSIONS_ENDED,
    UNLOCKED,
    TOKEN_MADE,
    TOKEN_REVOKED,
    TOKEN_ROTATED,
)
