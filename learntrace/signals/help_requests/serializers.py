"""Requests and responses of the endpoints of raised hands; `documents` makes the hands, here only described."""

from typing import Any

from rest_framework import serializers

from learntrace.accounts.serializers import LearnerSerializer
from learntrace.signals.help_requests.helping import ACTS
from learntrace.signals.help_requests.models import LONGEST_TEXT, OPEN_STATES, STATES


class OwnHandSerializer(serializers.Serializer[Any]):
    """One's own hand that is up."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=OPEN_STATES)
    assignment = serializers.CharField(allow_null=True)
    asset = serializers.CharField(allow_null=True)
    text = serializers.CharField(allow_blank=True)
    raised_at = serializers.DateTimeField()
    before = serializers.IntegerField(
        allow_null=True, help_text="how many wait before oneself; null once somebody helps"
    )
    helper = serializers.CharField(allow_null=True, help_text="the name of who helps")


class OwnHelpSerializer(serializers.Serializer[Any]):
    """Whether one may raise a hand, and the one that is up."""

    allowed = serializers.BooleanField()
    academy = serializers.IntegerField(allow_null=True, help_text="null for somebody who learns nowhere")
    hand = OwnHandSerializer(allow_null=True)


class RaiseSerializer(serializers.Serializer[Any]):
    """What the hand is about; nothing of it is needed."""

    text = serializers.CharField(required=False, allow_blank=True, help_text=f"at most {LONGEST_TEXT} characters")
    assignment = serializers.CharField(
        required=False, allow_blank=True, max_length=500, help_text="with or without its prefix"
    )
    asset = serializers.CharField(required=False, allow_blank=True, max_length=200, help_text="a slug or an alias")


class HelpRequestSerializer(serializers.Serializer[Any]):
    """A raised hand, up or former; times are by the server's clock."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=STATES)
    learner = LearnerSerializer()
    cohort = serializers.IntegerField(allow_null=True, help_text="the id of the cohort in whose queue it waits")
    assignment = serializers.CharField(allow_null=True)
    asset = serializers.CharField(allow_null=True)
    text = serializers.CharField(allow_blank=True)
    raised_at = serializers.DateTimeField()
    before = serializers.IntegerField(allow_null=True, help_text="how many wait before it; null where it doesn't wait")
    taken_back_at = serializers.DateTimeField(allow_null=True)
    helped_by = LearnerSerializer(allow_null=True)
    help_began_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    waited_seconds = serializers.FloatField(allow_null=True, help_text="until help began, or the hand was over")
    took_seconds = serializers.FloatField(allow_null=True, help_text="how long the help took")


class HandActSerializer(serializers.Serializer[Any]):
    """What is to be done with a raised hand."""

    act = serializers.ChoiceField(choices=list(ACTS))
