"""Requests and responses of the concern endpoints; `documents` makes the concerns, here only described."""

from typing import Any

from rest_framework import serializers

from learntrace.accounts.serializers import LearnerSerializer
from learntrace.signals.concerns.acts import ACT_WORDS, LONGEST_NOTE
from learntrace.signals.concerns.documents import OF_CLASS, OF_LEARNER
from learntrace.signals.concerns.handling import STANDING
from learntrace.signals.help_requests.models import OPEN_STATES
from learntrace.signals.models import ConcernAct, Signal
from learntrace.signals.serializers import SEVERITY_WORDS, SentencesSerializer

MOST_AT_ONCE = 500
STATES = [*STANDING, "over"]


class LastErrorSerializer(serializers.Serializer[Any]):
    """The last error of a concern."""

    name = serializers.CharField()
    message = serializers.CharField(allow_blank=True)


class ReasonSerializer(serializers.Serializer[Any]):
    """A signal that is a reason of a concern."""

    signal = serializers.IntegerField(help_text="the signal's id")
    kind = serializers.CharField()
    name = serializers.CharField(help_text="in the client's language")
    severity = serializers.ChoiceField(choices=SEVERITY_WORDS)
    state = serializers.ChoiceField(choices=Signal.State.choices)
    opened_at = serializers.DateTimeField()
    sentence = serializers.CharField(help_text="in the client's language")


class RaisedHandSerializer(serializers.Serializer[Any]):
    """The learner's hand that is up there."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=OPEN_STATES)
    text = serializers.CharField(allow_blank=True)
    raised_at = serializers.DateTimeField()
    helped_by = LearnerSerializer(allow_null=True)
    help_began_at = serializers.DateTimeField(allow_null=True)


class NoteSerializer(serializers.Serializer[Any]):
    """A note on a concern; undone by the id of its act."""

    act = serializers.IntegerField()
    at = serializers.DateTimeField()
    by = LearnerSerializer(allow_null=True)
    note = serializers.CharField()


class ConcernSerializer(serializers.Serializer[Any]):
    """A learner's trouble on an assignment, or an error that many of the class meet there; times of what was seen are by the
    learners' clock."""

    id = serializers.IntegerField()
    of = serializers.ChoiceField(choices=[OF_LEARNER, OF_CLASS])
    state = serializers.ChoiceField(choices=STATES)
    severity = serializers.ChoiceField(choices=SEVERITY_WORDS, allow_null=True, help_text="null where it is over")
    learner = LearnerSerializer(allow_null=True)
    met_by = serializers.IntegerField(allow_null=True, help_text="of the class: how many learners met the error")
    assignment = serializers.CharField(allow_null=True)
    asset = serializers.CharField(allow_null=True, help_text="the asset's slug")
    since = serializers.DateTimeField(allow_null=True, help_text="null where it is over")
    last_seen_at = serializers.DateTimeField(allow_null=True, help_text="null where it is over")
    attempts = serializers.IntegerField(allow_null=True, help_text="since the trouble began")
    last_error = LastErrorSerializer(allow_null=True)
    summary = serializers.CharField(allow_blank=True, help_text="in the client's language")
    summaries = SentencesSerializer()
    reasons = ReasonSerializer(many=True)
    hand = RaisedHandSerializer(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = LearnerSerializer(allow_null=True)
    snoozed_until = serializers.DateTimeField(allow_null=True)
    snoozed_by = LearnerSerializer(allow_null=True)
    assignee = LearnerSerializer(allow_null=True)
    notes = NoteSerializer(many=True)
    version = serializers.IntegerField(help_text="how often staff changed it")


class ActSerializer(serializers.Serializer[Any]):
    """What a member of staff did with a concern."""

    id = serializers.IntegerField()
    what = serializers.ChoiceField(choices=ConcernAct.What.choices)
    by = LearnerSerializer(allow_null=True)
    at = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    assignee = LearnerSerializer(allow_null=True)
    note = serializers.CharField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by = LearnerSerializer(allow_null=True)


class ConcernWithActsSerializer(ConcernSerializer):
    """A concern with all acts on it; one that is over has no figures and no reasons."""

    acts = ActSerializer(many=True)
    act = serializers.IntegerField(
        required=False, allow_null=True, help_text="after a change: the act, to undo it; null where it was so already"
    )
    explain = serializers.DictField(required=False, help_text="with `?explain=1`: the rules and what it follows from")


class WantedSerializer(serializers.Serializer[Any]):
    """What is to be done with a concern."""

    act = serializers.ChoiceField(choices=list(ACT_WORDS))
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="snooze: until when")
    assignee = serializers.IntegerField(required=False, allow_null=True, help_text="assign: a user id; null: nobody")
    note = serializers.CharField(
        required=False, allow_blank=True, help_text=f"note: 1 to {LONGEST_NOTE} characters of text"
    )
    undo = serializers.IntegerField(required=False, allow_null=True, help_text="undo: the id of an act")
    version = serializers.IntegerField(
        required=False,
        allow_null=True,
        help_text="the version that the client has seen: refused where somebody has changed the same since",
    )


class WantedForSeveralSerializer(WantedSerializer):
    """What is to be done with several concerns."""

    concerns = serializers.ListField(child=serializers.IntegerField(), min_length=1, max_length=MOST_AT_ONCE)


class OutcomeSerializer(serializers.Serializer[Any]):
    """What became of one of several concerns."""

    concern = serializers.IntegerField()
    act = serializers.IntegerField(allow_null=True, help_text="the act, to undo it")
    changed = serializers.BooleanField()
    version = serializers.IntegerField(allow_null=True)
    error = serializers.CharField(allow_null=True, help_text="why nothing was done")
