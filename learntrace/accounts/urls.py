"""URLs under /v1/auth."""

from django.urls import path, re_path

from learntrace.accounts.audit.views import AuditLogView
from learntrace.accounts.invitations.views import InvitationsView, InvitationView
from learntrace.accounts.people.views import (
    MemberArchivedView,
    MemberCohortView,
    MemberRoleView,
    MembersView,
    MemberView,
)
from learntrace.accounts.roster.jobs.views import (
    RosterImportApplyView,
    RosterImportChangesView,
    RosterImportsView,
    RosterImportUndoView,
    RosterImportView,
)
from learntrace.accounts.tokens.views import LogoutView, PasswordView, TokensView, TokenView
from learntrace.accounts.views import AcademyAccessView, AcademySettingsView, LoginView, MeView

urlpatterns = [
    # With the slash for LearnPack's CLI, without it as in the other paths.
    re_path(r"^login/?$", LoginView.as_view()),
    path("logout", LogoutView.as_view()),
    path("user/me", MeView.as_view()),
    path("user/me/password", PasswordView.as_view()),
    path("user/me/token", TokensView.as_view()),
    path("user/me/token/<int:token_id>", TokenView.as_view()),
    path("academy/audit", AuditLogView.as_view()),
    path("academy/settings", AcademySettingsView.as_view()),
    path("academy/access", AcademyAccessView.as_view()),
    path("academy/member", MembersView.as_view()),
    path("academy/member/<int:user_id>", MemberView.as_view()),
    path("academy/member/<int:user_id>/role", MemberRoleView.as_view()),
    path("academy/member/<int:user_id>/archived", MemberArchivedView.as_view()),
    path("academy/member/<int:user_id>/cohort/<int:cohort_id>", MemberCohortView.as_view()),
    path("academy/invitation", InvitationsView.as_view()),
    path("academy/invitation/<int:invitation_id>", InvitationView.as_view()),
    path("academy/roster-import", RosterImportsView.as_view()),
    path("academy/roster-import/<int:import_id>", RosterImportView.as_view()),
    path("academy/roster-import/<int:import_id>/change", RosterImportChangesView.as_view()),
    path("academy/roster-import/<int:import_id>/apply", RosterImportApplyView.as_view()),
    path("academy/roster-import/<int:import_id>/undo", RosterImportUndoView.as_view()),
]
