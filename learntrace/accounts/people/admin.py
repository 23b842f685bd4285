"""Admin pages of cohorts' learners, invitations and imports of rosters."""

from django.contrib import admin

from learntrace.accounts.models import CohortLearner, Invitation, RosterJob, RosterProgress
from learntrace.core.admin import BigTableAdmin, ReadOnlyAdmin


@admin.register(CohortLearner)
class CohortLearnerAdmin(BigTableAdmin):
    list_display = ("id", "cohort", "user", "created_at")
    list_select_related = ("cohort", "user")
    search_fields = ("=cohort__slug", "=user__username", "=user__email")
    raw_id_fields = ("cohort", "user")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Invitations; who deletes one ends it."""

    list_display = ("id", "academy", "email", "role", "made_by", "created_at", "expires_at", "used_by", "revoked_at")
    list_select_related = ("academy", "made_by", "used_by")
    search_fields = ("=email", "=academy__slug")
    exclude = ("token_hash",)
    ordering = ("-id",)


@admin.register(RosterJob)
class RosterJobAdmin(ReadOnlyAdmin):
    """Imports through the pages, without their files."""

    list_display = ("id", "academy", "file_name", "state", "made_by", "created_at", "applied_at", "undone_at")
    list_select_related = ("academy", "made_by")
    search_fields = ("=academy__slug", "=made_by__username")
    exclude = ("content", "undo", "preview")
    ordering = ("-id",)


@admin.register(RosterProgress)
class RosterProgressAdmin(ReadOnlyAdmin):
    list_display = ("job", "step", "done", "total", "updated_at")
    search_fields = ("=job__id",)
    ordering = ("-job",)
