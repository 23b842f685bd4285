"""The tables of the database with their columns, personal and others. A new column belongs here."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from learntrace.personal.register import Kept, SeenBy, Table, impersonal, personal

# What it is for: the same words wherever it is the same.
_ACCOUNT = _("Signing in, and showing your name to others")
_GUESSES = _("Keeping others from guessing passwords")
_ROLES = _("What somebody may do at an academy")
_TASKS = _("Learners' tasks and their results")
_SENT = _("What clients have sent, to be processed and to find faults")
_WORK = _("How a learner works on assignments")
_SIGNALS = _("Showing teachers who needs help")
_NOTICES = _("Notifying teachers")
_CORRECTIONS = _("Corrections, and who made them")
_ERASING = _("Carrying out an erasure that was asked for")
_PROOF = _("Proving who did what")

TABLES: Final[tuple[Table, ...]] = (
    # Accounts
    personal(
        "accounts_user", "id username password first_name last_name email language last_login date_joined is_active is_staff "
        "is_superuser", "", _ACCOUNT, Kept.ACCOUNT, SeenBy.STAFF, "account",
    ),
    personal(
        "accounts_membership", "user_id role status only_cohorts created_at", "id academy_id", _ROLES, Kept.ACCOUNT,
        SeenBy.STAFF, "memberships",
    ),
    personal(
        "accounts_membership_cohorts", "membership_id cohort_id", "id", _ROLES, Kept.ACCOUNT, SeenBy.STAFF,
        why="The cohorts that a teacher is limited to; the dataset of the memberships names them.",
    ),
    personal(
        "accounts_mergeduser", "former_id former_name user_id", "", _ACCOUNT, Kept.ACCOUNT, SeenBy.OWN, "former-names",
    ),
    personal("accounts_grant", "user_id permission", "id", _ROLES, Kept.ACCOUNT, SeenBy.OWN, "permissions"),
    personal(
        "accounts_token", "user_id key_hash prefix name kind scope expires_at created_at last_used_at last_used_from", "id",
        _ACCOUNT, Kept.ACCOUNT, SeenBy.OWN, "tokens",
    ),
    personal(
        "accounts_authenticatorapp", "user_id secret last_step created_at confirmed_at", "id", _ACCOUNT, Kept.ACCOUNT,
        SeenBy.OWN, "authenticator-app",
    ),
    personal(
        "accounts_passkey", "user_id name credential_id public_key sign_count created_at last_used_at", "id", _ACCOUNT,
        Kept.ACCOUNT, SeenBy.OWN, "passkeys",
    ),
    personal(
        "accounts_recoverycode", "user_id code_hash created_at used_at", "id", _ACCOUNT, Kept.ACCOUNT, SeenBy.OWN,
        "recovery-codes",
    ),
    personal(
        "accounts_signinsession", "user_id session_key created_at last_seen_at address user_agent", "id", _ACCOUNT,
        Kept.SESSION, SeenBy.OWN, "sessions",
    ),
    personal(
        "accounts_guesscount", "subject failures pending fills ends_at", "", _GUESSES, Kept.DAY, SeenBy.OPERATOR,
        why="Counts by account and by network address, deleted an hour after the window that they count in.",
    ),
    personal(
        "accounts_auditentry", "actor_id subject_id academy_id action object_type object_id at door", "id fields digest",
        _PROOF, Kept.AUDIT, SeenBy.ADMINS, "audit-entries",
    ),
    personal(
        "accounts_auditvalues", "before after actor_name address salt", "entry_id", _PROOF, Kept.AUDIT, SeenBy.ADMINS,
        "audit-values",
    ),
    personal(
        "accounts_user_groups", "user_id group_id", "id", _ROLES, Kept.ACCOUNT, SeenBy.OPERATOR,
        why="Groups open pages of the administration only.",
    ),
    personal(
        "accounts_user_user_permissions", "user_id permission_id", "id", _ROLES, Kept.ACCOUNT, SeenBy.OPERATOR,
        why="They open pages of the administration only.",
    ),
    impersonal("accounts_setupcode", "id salt code_hash created_at"),
    impersonal("accounts_sampledata", "id academy_id users assets created_at"),
    impersonal("accounts_academy", "id slug name status created_at updated_at"),
    impersonal(
        "accounts_academysettings", "id academy_id learnpack_features notebook_features signal_features access_features "
        "page_features created_at updated_at"
    ),
    impersonal("accounts_cohort", "id slug name academy_id starts_on ends_on archived_at"),
    personal(
        "accounts_cohortlearner", "cohort_id user_id created_at", "id", _TASKS, Kept.ACADEMY, SeenBy.STAFF, "cohort-places",
    ),
    personal(
        "accounts_invitation", "email role made_by_id mailed used_at used_by_id revoked_at", "id academy_id token_hash "
        "created_at expires_at", _ROLES, Kept.ACADEMY, SeenBy.ADMINS, "invitations",
    ),
    personal(
        "accounts_invitation_cohorts", "invitation_id cohort_id", "id", _ROLES, Kept.ACADEMY, SeenBy.ADMINS,
        why="The cohorts of an invitation; the dataset of the invitations has whose it is.",
    ),
    personal(
        "accounts_rosterjob", "made_by_id address asked_by_id asked_from file_name content problems notes preview undo left",
        "id academy_id language asked_door form state counts fingerprint created_at applied_at undone_at", _ACCOUNT,
        Kept.DAYS, SeenBy.ADMINS, "roster-imports",
    ),
    impersonal("accounts_rosterprogress", "job_id step done total updated_at"),
    personal(
        "personal_erasure", "user_id erased_at counts by_operator", "id", _PROOF, Kept.FOR_GOOD, SeenBy.OWN, "erasures",
    ),
    personal(
        "personal_pendingerasure", "user_id asked_at erases_at", "id", _ERASING, Kept.DAY, SeenBy.OWN, "pending-erasure",
    ),
    personal(
        "personal_usermerge", "merged_id into_id merged_at merged_by_id moved dropped undo undone_at undone_by_id", "id",
        _CORRECTIONS, Kept.ERASED, SeenBy.OPERATOR, "merges",
    ),
    # Requests and tasks
    personal(
        "intake_refusal", "user_id token_prefix path asset detail reason created_at last_at times hour",
        "id status_code size", _SENT, Kept.DAYS, SeenBy.STAFF, "refused-requests",
    ),
    personal(
        "assignments_task", "user_id title associated_slug task_type task_status revision_status description github_url "
        "live_url cohort_id opened_at read_at reviewed_at delivered_at", "id created_at updated_at",
        _TASKS, Kept.ACADEMY, SeenBy.STAFF, "tasks",
    ),
    impersonal("assignments_duedate", "id cohort_id asset_id due_at created_at updated_at"),
    personal(
        "assignments_extension", "user_id due_at reason", "id due_date_id created_at", _TASKS, Kept.ACADEMY, SeenBy.STAFF,
        "extensions",
    ),
    personal(
        "assignments_assignmenttelemetry", "user_id asset_slug telemetry engagement_score frustration_score metrics total_time "
        "completion_rate last_interaction_at by_staff untold_attempts",
        "id metrics_algo_version receipt created_at updated_at", _WORK, Kept.ERASED, SeenBy.STAFF, "telemetry",
    ),
    # Progress
    personal(
        "progress_activity", "id user_id assignment told_as verb outcome failures session_id object_id code_hash part at",
        "source academy_id arrival exclusion_id before_floor", _WORK, Kept.ERASED, SeenBy.STAFF, "activities",
    ),
    personal(
        "progress_code", "hash text", "id academy_id", _WORK, Kept.ERASED, SeenBy.STAFF, "code",
    ),
    personal("progress_codeuse", "user_id code_id", "id", _WORK, Kept.ERASED, SeenBy.STAFF, "code"),
    personal(
        "progress_exclusion", "user_id activity_id session_id assignment since until reason excluded_by_id excluded_at "
        "lifted_by_id lifted_at", "id academy_id made_together", _CORRECTIONS, Kept.ERASED, SeenBy.STAFF, "exclusions",
    ),
    personal(
        "progress_courserun", "user_id cohort_id name starts_on ends_on", "id academy_id", _WORK, Kept.ACCOUNT,
        SeenBy.STAFF, "course-runs",
    ),
    personal(
        "progress_floor", "user_id scope at cause set_at", "id academy_id", _WORK, Kept.ERASED, SeenBy.STAFF, "floors",
    ),
    personal(
        "progress_earlierrun", "user_id assignment until cause course measures", "id academy_id", _WORK, Kept.ERASED,
        SeenBy.STAFF, "earlier-runs",
    ),
    personal(
        "progress_summarysubscription", "user_id cohort_id created_at sent_for", "id academy_id", _NOTICES, Kept.ACCOUNT,
        SeenBy.OWN, "weekly-summaries",
    ),
    personal(
        "progress_progress", "user_id assignment attempts errors aborted last_outcome checks failed_checks done_at "
        "done_because done_by failed_again_at questions asked_before first_seen_at last_seen_at active_seconds error_quotient "
        "repeated_error_density concerns trouble_since stuck_since state",
        "id academy_id last_arrival gap_seconds updated_at", _WORK, Kept.ERASED, SeenBy.STAFF, "progress",
    ),
    personal(
        "progress_progressstate", "progress_id state", "", _WORK, Kept.ERASED, SeenBy.OPERATOR,
        why="What the next activity continues; it follows from the activities, and is deleted with the measures.",
    ),
    personal(
        "progress_errorcount", "progress_id name message digest group_digest kind pattern count first_at last_at "
        "solved_at", "id", _WORK, Kept.ERASED, SeenBy.STAFF, "errors",
    ),
    personal(
        "progress_steplist", "user_id steps digest told_at", "id academy_id asset_id", _WORK, Kept.ERASED, SeenBy.STAFF,
        "step-lists",
    ),
    personal(
        "progress_steprename", "made_by_id made_at undone_by_id undone_at", "id academy_id asset_id old_key new_key read_as",
        _CORRECTIONS, Kept.ACADEMY, SeenBy.STAFF,
        why="It is about the package's steps; the audit log tells who has changed them.",
    ),
    personal(
        "progress_stale", "user_id asset_slug since", "id source turn_academy", _WORK, Kept.SOON, SeenBy.OPERATOR,
        why="A queue of what waits to be made anew; an erasure empties it.",
    ),
    personal(
        "progress_recomputation", "user_id due_at done_at changed fault by_operator", "id run", _WORK, Kept.DAYS,
        SeenBy.OPERATOR, why="A queue of what waits to be computed anew; an erasure empties it.",
    ),
    impersonal("progress_assignment", "id academy_id key asset_id title position check_cell published_at"),
    impersonal("progress_checkedassignment", "id academy_id key part"),
    impersonal("progress_formerstep", "id academy_id key asset_id title position published_at left_at"),
    # Signals
    personal(
        "signals_signal", "user_id kind group key assignment asset_slug severity state count opened_at last_seen_at "
        "resolved_at resolved_by evidence facts acknowledged_by_id acknowledged_at history",
        "id academy_id created_at updated_at", _SIGNALS, Kept.ERASED, SeenBy.STAFF, "signals",
    ),
    personal(
        "signals_concern", "user_id assignment asset_slug error_group", "id academy_id version created_at", _SIGNALS,
        Kept.ERASED, SeenBy.STAFF, "concerns",
    ),
    personal(
        "signals_concernact", "what by_id at clock severity until assignee_id note signals undone_at undone_by_id",
        "id concern_id number undone_number", _SIGNALS, Kept.ERASED, SeenBy.STAFF,
        why="The dataset of the concerns has them, each with its concern.",
    ),
    personal(
        "signals_helprequest", "user_id cohort_id assignment asset_slug text open raised_at taken_back_at helped_by_id "
        "help_began_at ended_at", "id academy_id", _SIGNALS, Kept.ERASED, SeenBy.STAFF, "help-requests",
    ),
    personal(
        "signals_watch", "user_id kind group state last_at due_at fault", "id academy_id last_arrival thresholds",
        _SIGNALS, Kept.ERASED, SeenBy.OPERATOR, "detector-states",
    ),
    personal(
        "signals_notificationrule", "user_id cohort_id name kinds least_severity channel target target_digest secret "
        "quiet_from quiet_until timezone digest_minutes active failures postponed_until", "id academy_id created_at "
        "updated_at", _NOTICES, Kept.ACCOUNT, SeenBy.OWN, "notification-rules",
    ),
    personal(
        "signals_notification", "user_id signal_id concern_id destination state due_at begun_at sent_at reason detail",
        "id rule_id academy_id delivery attempts claimed_at created_at", _NOTICES, Kept.DAYS, SeenBy.OWN,
        why="It names a signal, and goes with it when the learner's data are erased.",
    ),
    impersonal("signals_lesson", "id academy_id asset_id looked_at looked_to seconds seen thresholds fault"),
    # LearnPack
    personal(
        "learnpack_webhook", "student_id sender_id event payload package_slug asset_id learnpack_package_id status status_text "
        "reason reason_values replaced", "id is_streaming attempts retry_at turn_academy turn_learner created_at updated_at",
        _SENT, Kept.DAYS, SeenBy.STAFF, "learnpack-messages",
    ),
    personal(
        "learnpack_unreaddocument", "user_id asset_slug document fault", "id receipt until received_at", _SENT, Kept.SOON,
        SeenBy.OPERATOR, "learnpack-unread",
    ),
    personal(
        "learnpack_readingposition", "user_id asset_slug fingerprint state", "id", _WORK, Kept.ERASED, SeenBy.OPERATOR,
        "learnpack-positions",
    ),
    # Notebooks
    personal(
        "events", "id actor user_id sender_id verb object result context session_id object_id code_hash occurred_at "
        "clock_offset_ms flags",
        "academy_id created_at arrival", _WORK, Kept.ERASED, SeenBy.STAFF, "notebook-events",
    ),
    personal(
        "notebooks_arrival", "events", "id created_at attempts retry_at fault turn_academy turn_learner", _WORK, Kept.SOON,
        SeenBy.OPERATOR, why="A queue of events by their ids; an erasure empties it.",
    ),
    personal(
        "notebooks_rejectedevent", "sender_id user_id event_id code detail reason_values raw fingerprint times "
        "clock_offset_ms",
        "id academy_id cut created_at updated_at", _SENT, Kept.DAYS, SeenBy.STAFF, "rejected-events",
    ),
    personal(
        "notebooks_consent", "user_id collecting changed_at", "", _WORK, Kept.ACCOUNT, SeenBy.OWN, "consent",
    ),
    impersonal("notebooks_notebook", "asset_id academy_id path created_at updated_at"),
    impersonal("notebooks_notebookassignment", "id notebook_id academy_id tag cell_id title position check_cell"),
    # Assets
    impersonal(
        "registry_asset", "id slug title lang asset_type category status visibility url readme_url difficulty duration "
        "description graded interactive external preview technologies academy_id translation_group_id learnpack_id "
        "learnpack_deploy_url manifest config telemetry_stats stats_times sync_status last_synch_at created_at updated_at",
    ),
    impersonal("registry_assetalias", "id slug asset_id"),
    impersonal("registry_assetchange", "id asset_id former_slug created_at"),
    impersonal("registry_translationgroup", "id"),
    # Processes
    personal(
        "core_liveevent", "data", "id academy_id kind created_at", _SIGNALS, Kept.HOUR, SeenBy.STAFF, "live-messages",
    ),
    impersonal("core_heartbeat", "id name seen_at"),
    impersonal("core_scheduledrun", "id name last_run_at"),
    # Django's
    personal(
        "django_admin_log", "user_id object_id object_repr change_message action_time", "id content_type_id action_flag",
        _PROOF, Kept.NOT_WRITTEN, SeenBy.OPERATOR, why="Earlier versions wrote it; the audit log is written instead.",
    ),
    personal(
        "django_session", "session_key session_data expire_date", "", _ACCOUNT, Kept.SESSION, SeenBy.OPERATOR,
        why="It says that somebody is signed in, signed and by the id of the account.",
    ),
    impersonal("auth_permission", "id name content_type_id codename"),
    impersonal("auth_group", "id name"),
    impersonal("auth_group_permissions", "id group_id permission_id"),
    impersonal("django_content_type", "id app_label model"),
    impersonal("django_migrations", "id app name applied"),
)  # fmt: skip
