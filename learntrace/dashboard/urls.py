"""URLs of the pages. `/`, `/status`, `/telemetry` and `/connect/sample` are in config/urls.py, which has what they need."""

from django.urls import path, register_converter

from learntrace.dashboard import diagnosis
from learntrace.dashboard.account import factors as account_factors
from learntrace.dashboard.account import passwords as account_passwords
from learntrace.dashboard.account import views as account_views
from learntrace.dashboard.assets import views as asset_views
from learntrace.dashboard.assignments import exclusions as assignment_exclusions
from learntrace.dashboard.assignments import reading as assignment_reading
from learntrace.dashboard.assignments import views as assignment_views
from learntrace.dashboard.audit import views as audit_views
from learntrace.dashboard.classroom import views as class_views
from learntrace.dashboard.concerns import hands as hand_views
from learntrace.dashboard.concerns import views as concern_views
from learntrace.dashboard.connect import views as connect_views
from learntrace.dashboard.health import bulk, ignore_views, webhooks
from learntrace.dashboard.health import views as health_views
from learntrace.dashboard.keys import views as key_views
from learntrace.dashboard.layout import search, views
from learntrace.dashboard.layout.converters import KeyConverter
from learntrace.dashboard.learners import views as learner_views
from learntrace.dashboard.my_learning import hands as mine_hands
from learntrace.dashboard.my_learning import stored as mine_stored
from learntrace.dashboard.my_learning import views as mine_views
from learntrace.dashboard.people import cohorts as people_cohorts
from learntrace.dashboard.people import due_dates as people_due_dates
from learntrace.dashboard.people import imports as people_imports
from learntrace.dashboard.people import invitations as people_invitations
from learntrace.dashboard.people import listing as people_listing
from learntrace.dashboard.people import merging as people_merging
from learntrace.dashboard.people import person as people_person
from learntrace.dashboard.reports import views as report_views
from learntrace.dashboard.settings import notifications
from learntrace.dashboard.settings import views as setting_views
from learntrace.dashboard.setup import views as setup_views

register_converter(KeyConverter, "key")

urlpatterns = [
    path("diagnosis", diagnosis.diagnosis, name="diagnosis"),
    # The first minutes; `/connect/sample` is in config/urls.py, which makes the data.
    path("set-up", setup_views.first_set_up, name="set-up"),
    path("set-up/academy", setup_views.academy, name="set-up-academy"),
    path("connect", connect_views.connect, name="connect"),
    path("connect/key", connect_views.make_key, name="connect-key"),
    path("sign-in", views.sign_in, name="sign-in"),
    path("sign-in/second", account_factors.second, name="sign-in-second"),
    path("sign-in/passkey", account_factors.ask_passkey, name="sign-in-passkey"),
    path("sign-out", views.sign_out, name="sign-out"),
    path("language", views.language, name="language"),
    path("theme", views.theme, name="theme"),
    path("favicon.ico", views.favicon),
    path("search", search.search, name="search"),
    path("search/suggest", search.suggest, name="suggest"),
    # Sign-in and keys
    path("account", account_views.account, name="account"),
    path("account/name", account_views.change_names, name="account-name"),
    path("account/session/end", account_views.end_session, name="account-session-end"),
    path("account/key/end", account_views.end_key, name="account-key-end"),
    path("account/key/make", account_views.make_key, name="account-key-make"),
    path("account/password", account_passwords.change, name="account-password"),
    path("account/app", account_factors.app, name="account-app"),
    path("account/app/remove", account_factors.remove_app, name="account-app-remove"),
    path("account/passkey/make", account_factors.make_passkey, name="account-passkey-make"),
    path("account/passkey/add", account_factors.add_passkey, name="account-passkey-add"),
    path("account/passkey/remove", account_factors.remove_passkey, name="account-passkey-remove"),
    path("account/codes", account_factors.recovery_codes, name="account-codes"),
    path("account/academy", account_factors.require_for_academy, name="account-academy"),
    path("password/forgotten", account_passwords.forgotten, name="password-forgotten"),
    path("password/choose", account_passwords.choose, name="password-choose"),
    # Keys of the academy
    path("keys", key_views.keys, name="keys"),
    path("keys/<int:token_id>", key_views.key, name="keys-one"),
    path("keys/make", key_views.make, name="keys-make"),
    path("keys/rotate", key_views.rotate, name="keys-rotate"),
    path("keys/end", key_views.end, name="keys-end"),
    # Settings, and one's own notification rules
    path("settings", setting_views.settings, name="settings"),
    path("settings/<str:slug>", setting_views.setting, name="settings-one"),
    path("settings/<str:slug>/change", setting_views.change_setting, name="settings-change"),
    path("notifications", notifications.notifications, name="notifications"),
    path("notifications/save", notifications.save, name="notifications-save"),
    path("notifications/<int:rule_id>/switch", notifications.switch, name="notifications-switch"),
    path("notifications/<int:rule_id>/delete", notifications.delete, name="notifications-delete"),
    path("notifications/<int:rule_id>/test", notifications.test, name="notifications-test"),
    # My learning
    path("me", mine_views.my_learning, name="my-learning"),
    path("me/hand", mine_hands.change_hand, name="my-learning-hand"),
    path("me/consent", mine_views.change_consent, name="my-learning-consent"),
    path("me/stored", mine_stored.stored, name="my-learning-stored"),
    path("me/export", mine_views.export, name="my-learning-export"),
    path("me/keep", mine_views.keep, name="my-learning-keep"),
    path("me/erase", mine_views.erase_all, name="my-learning-erase"),
    # Class now
    path("class", class_views.class_now, name="class-now"),
    # Concerns, on several pages
    path("concerns", concern_views.handle_concerns, name="concerns-handle"),
    path("concerns/hand", hand_views.handle_raised, name="hands-handle"),
    path("concerns/undo", concern_views.undo_acts, name="concerns-undo"),
    # Assignments; a key may contain a slash, so the longer URL comes first.
    path("assignments", assignment_views.assignments, name="assignments"),
    path(
        "assignment/<key:key>/learner/<int:user_id>/exclude", assignment_exclusions.exclude, name="assignments-exclude"
    ),
    path("assignment/<key:key>/learner/<int:user_id>/read", assignment_reading.read, name="assignments-read"),
    path("assignment/<key:key>/exclude", assignment_exclusions.exclude, name="assignments-exclude-class"),
    path("exclusion/<int:exclusion_id>/lift", assignment_exclusions.lift, name="assignments-lift"),
    path("assignment/<key:key>/learner/<int:user_id>", assignment_views.attempts, name="assignments-attempts"),
    path("assignment/<key:key>", assignment_views.assignment, name="assignments-one"),
    # Telemetry health
    path("telemetry/webhooks", webhooks.webhooks, name="telemetry-health-log"),
    path("telemetry/webhooks/delete", bulk.delete_failed, name="telemetry-health-delete"),
    path("telemetry/webhooks/retry", bulk.retry_failed, name="telemetry-health-retry"),
    path("telemetry/webhook/<int:webhook_id>", webhooks.webhook, name="telemetry-health-webhook"),
    path("telemetry/webhook/<int:webhook_id>/payload", webhooks.payload, name="telemetry-health-payload"),
    path("telemetry/webhook/<int:webhook_id>/retry", webhooks.retry, name="telemetry-health-webhook-retry"),
    path("telemetry/webhook/<int:webhook_id>/delete", webhooks.delete, name="telemetry-health-webhook-delete"),
    path("telemetry/rejected", health_views.rejected_events, name="telemetry-health-rejected"),
    path(
        "telemetry/rejected/<int:rejected_id>/retry",
        health_views.retry_rejected,
        name="telemetry-health-rejected-retry",
    ),
    path("telemetry/ignore", ignore_views.ignore_rules, name="telemetry-health-ignore"),
    # Reports
    path("reports", report_views.week, name="reports"),
    path("reports/cohorts", report_views.cohorts, name="reports-cohorts"),
    path("reports/mail", report_views.subscribe, name="reports-mail"),
    path("audit", audit_views.audit_log, name="audit-log"),
    # Learners
    path("learners", learner_views.learners, name="learners"),
    path("learner/<int:user_id>", learner_views.learner, name="learners-one"),
    path("learner/<int:user_id>/telemetry/<key:slug>", learner_views.telemetry, name="learners-telemetry"),
    # People
    path("people", people_listing.people, name="people"),
    path("people/add", people_listing.add, name="people-add"),
    path("people/invitations", people_invitations.invitations, name="people-invitations"),
    path("people/invitation/<int:invitation_id>/revoke", people_invitations.revoke, name="people-revoke"),
    path("people/import", people_imports.imports, name="people-import"),
    path("people/import/<int:job_id>", people_imports.job, name="people-import-job"),
    path("people/import/<int:job_id>/apply", people_imports.apply, name="people-import-apply"),
    path("people/import/<int:job_id>/undo", people_imports.undo, name="people-import-undo"),
    path("people/import/<int:job_id>/drop", people_imports.drop, name="people-import-drop"),
    path("people/cohorts", people_cohorts.cohorts, name="people-cohorts"),
    path("people/cohort/<int:cohort_id>", people_cohorts.cohort, name="people-cohort"),
    path("people/cohort/<int:cohort_id>/archive", people_cohorts.archive, name="people-cohort-archive"),
    path("people/cohort/<int:cohort_id>/learners", people_cohorts.learners, name="people-cohort-learners"),
    path("people/due-dates", people_due_dates.due_dates, name="people-due-dates"),
    path("people/due-date/<int:due_date_id>/end", people_due_dates.end, name="people-due-date-end"),
    path("people/due-date/<int:due_date_id>/extension", people_due_dates.extension, name="people-extension"),
    path("people/merge/<int:number>/undo", people_merging.undo, name="people-merge-undo"),
    path("people/<int:user_id>", people_person.person, name="people-one"),
    path("people/<int:user_id>/change", people_person.change, name="people-change"),
    path("people/<int:user_id>/role", people_person.role, name="people-role"),
    path("people/<int:user_id>/archive", people_person.archive, name="people-archive"),
    path("people/<int:user_id>/cohorts", people_person.cohorts, name="people-person-cohorts"),
    path("people/<int:user_id>/merge", people_merging.merge, name="people-merge"),
    path("invitation/<str:token>", people_invitations.invitation, name="invitation"),
    # Assets; a slug may contain a slash.
    path("assets", asset_views.assets, name="assets"),
    path("asset/<key:slug>/rename", asset_views.rename_step, name="assets-rename"),
    path("asset/<key:slug>/action/<str:action>", asset_views.action, name="assets-action"),
    path("asset/<key:slug>", asset_views.asset, name="assets-one"),
]
