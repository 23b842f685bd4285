"""What the endpoints of people take and answer."""

from typing import Any

from rest_framework import serializers

from learntrace.accounts.models import Cohort
from learntrace.accounts.roles import LIMITED_ROLES, ROLES

_COHORT = "id or slug"


class PlaceSerializer(serializers.ModelSerializer[Cohort]):
    """A cohort that somebody is in, or is limited to."""

    class Meta:
        model = Cohort
        fields = ("id", "name", "slug")


class MemberSerializer(serializers.Serializer[Any]):
    """Somebody of the academy, as `people.listing.Person` has them."""

    id = serializers.IntegerField(source="user.pk")
    username = serializers.CharField(source="user.username")
    email = serializers.CharField(source="user.email", allow_blank=True)
    first_name = serializers.CharField(source="user.first_name", allow_blank=True)
    last_name = serializers.CharField(source="user.last_name", allow_blank=True)
    role = serializers.CharField(source="membership.role")
    archived = serializers.BooleanField()
    cohorts = PlaceSerializer(many=True, help_text="where somebody learns")
    limited_to = PlaceSerializer(many=True, allow_null=True, help_text="the only cohorts that staff see; null: all")
    since = serializers.DateTimeField(source="membership.created_at")
    last_sign_in_at = serializers.DateTimeField(source="user.last_login", allow_null=True)


class MemberNamesSerializer(serializers.Serializer[Any]):
    """Names and address; what isn't sent stays as it is."""

    username = serializers.CharField(required=False, allow_blank=True, max_length=150)
    email = serializers.CharField(required=False, allow_blank=True, max_length=254)
    first_name = serializers.CharField(required=False, allow_blank=True, max_length=150)
    last_name = serializers.CharField(required=False, allow_blank=True, max_length=150)


class NewMemberSerializer(MemberNamesSerializer):
    """Somebody new."""

    role = serializers.ChoiceField(list(ROLES), required=False, default="student")
    cohorts = serializers.ListField(
        child=serializers.CharField(max_length=150, help_text=_COHORT),
        required=False,
        help_text=f"where a learner learns; whom else ({', '.join(LIMITED_ROLES)}) they limit",
    )


class MemberRoleSerializer(serializers.Serializer[Any]):
    """A role, with the cohorts that it is limited to."""

    role = serializers.ChoiceField(list(ROLES))
    limited_to = serializers.ListField(
        child=serializers.CharField(max_length=150, help_text=_COHORT),
        required=False,
        allow_null=True,
        default=None,
        help_text=f"for {', '.join(LIMITED_ROLES)}; null: the whole academy",
    )


class MemberArchivedSerializer(serializers.Serializer[Any]):
    """Whether somebody is archived."""

    archived = serializers.BooleanField()
