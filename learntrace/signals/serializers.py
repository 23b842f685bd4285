"""Requests and responses of the signal endpoints; `documents` makes the signals, here only described."""

from typing import Any

from rest_framework import serializers

from learntrace.accounts.serializers import LearnerSerializer
from learntrace.signals.acknowledgement import ACKNOWLEDGED
from learntrace.signals.documents import SEVERITIES
from learntrace.signals.models import Signal

# What a client may set.
SETTABLE = [ACKNOWLEDGED, Signal.State.OPEN.value]
SEVERITY_WORDS = list(SEVERITIES.values())


class SentencesSerializer(serializers.Serializer[Any]):
    """A signal's sentence in each language."""

    en = serializers.CharField()
    es = serializers.CharField()


class SignalSerializer(serializers.Serializer[Any]):
    """Something that was seen of a learner; times of what was seen are by the learner's clock."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    name = serializers.CharField(help_text="in the client's language")
    severity = serializers.ChoiceField(choices=SEVERITY_WORDS)
    state = serializers.ChoiceField(choices=Signal.State.choices)
    learner = LearnerSerializer()
    assignment = serializers.CharField(allow_null=True)
    asset = serializers.CharField(allow_null=True, help_text="the asset's slug")
    count = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    resolved_by = serializers.CharField(allow_null=True, help_text="the event that ended it, or a word")
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = LearnerSerializer(allow_null=True)
    sentence = serializers.CharField(help_text="in the client's language")
    sentences = SentencesSerializer()
    evidence = serializers.ListField(child=serializers.CharField(), help_text="ids of events, the oldest first")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class MomentSerializer(serializers.Serializer[Any]):
    """What happened to a signal, and by whom or by which event."""

    at = serializers.DateTimeField()
    what = serializers.CharField()
    by = serializers.CharField(allow_blank=True)


class SignalWithHistorySerializer(SignalSerializer):
    """A signal with what happened to it; with `?explain=1` also its kind's thresholds and its evidence."""

    history = MomentSerializer(many=True)
    explain = serializers.DictField(required=False, help_text="with `?explain=1`: definition, thresholds, evidence")


class SignalStateSerializer(serializers.Serializer[Any]):
    """Whether a signal has been acknowledged; `open` takes it back."""

    state = serializers.ChoiceField(choices=SETTABLE)
