"""What the endpoints of invitations take and answer."""

from typing import Any

from rest_framework import serializers

from learntrace.accounts.invitations.inviting import LIFETIMES, USUAL_LIFETIME, State, state_of
from learntrace.accounts.models import Invitation
from learntrace.accounts.people.serializers import PlaceSerializer
from learntrace.accounts.roles import ROLES
from learntrace.accounts.serializers import LearnerSerializer


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """An invitation, without its link."""

    cohorts = PlaceSerializer(many=True)
    state = serializers.SerializerMethodField(help_text=f"one of {', '.join(State)}")
    made_by = LearnerSerializer(allow_null=True)
    used_by = LearnerSerializer(allow_null=True)

    class Meta:
        model = Invitation
        fields: tuple[str, ...] = (
            "id",
            "email",
            "role",
            "cohorts",
            "state",
            "mailed",
            "made_by",
            "used_by",
            "created_at",
            "expires_at",
        )

    def get_state(self, row: Invitation) -> str:
        return state_of(row)


class MadeInvitationSerializer(InvitationSerializer):
    """An invitation that was made just now, with its link."""

    link = serializers.SerializerMethodField(
        help_text="shown this once; null where it was mailed: it is for the address's owner alone"
    )

    class Meta(InvitationSerializer.Meta):
        fields = (*InvitationSerializer.Meta.fields, "link")

    def get_link(self, row: Invitation) -> str | None:
        return None if row.mailed else str(self.context["link"])


class NewInvitationSerializer(serializers.Serializer[Any]):
    """Whom to invite, as what, for how long."""

    email = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=254,
        help_text="only its owner can accept then; empty: whoever opens the link",
    )
    role = serializers.ChoiceField(list(ROLES), required=False, default="student")
    cohorts = serializers.ListField(child=serializers.CharField(max_length=150, help_text="id or slug"), required=False)
    days = serializers.ChoiceField(list(LIFETIMES), required=False, default=USUAL_LIFETIME)
