"""The caller's notification rules and notifications (issue 4, "Notifications")."""

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle

from learntrace.accounts.openapi import ACADEMY, filters, responses
from learntrace.accounts.scope import AcademyView
from learntrace.core.http.filters import ids, words
from learntrace.core.http.pagination import Pages, sorted_by
from learntrace.core.http.request_body import validated
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.queueing import CAPABILITY
from learntrace.signals.notifications.rules import (
    change_rule,
    delete_rule,
    make_rule,
    notifications_of,
    rule_of,
    rules_of,
    try_rule,
)
from learntrace.signals.notifications.serializers import (
    NotificationSerializer,
    RuleFormSerializer,
    RuleSerializer,
    RuleWithSecretSerializer,
    TrialSerializer,
)

_RULE = OpenApiParameter("rule_id", OpenApiTypes.INT64, OpenApiParameter.PATH)
_SORTABLE = ("id", "created_at", "due_at", "sent_at", "state")


class RulesView(AcademyView):
    """The caller's rules in the academy."""

    capabilities: ClassVar = {"GET": CAPABILITY, "POST": CAPABILITY}
    pagination_class = Pages

    @extend_schema(
        operation_id="notification_rules",
        parameters=ACADEMY,
        responses=responses(RuleSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List one's own rules, the oldest first."""
        rows = sorted_by(rules_of(self.user, self.academy), request, ("id", "name", "channel", "created_at"))
        return Pages.answer(rows, request, lambda page: RuleSerializer(page, many=True).data)

    @extend_schema(
        operation_id="notification_rule_create",
        parameters=ACADEMY,
        request=RuleFormSerializer,
        responses=responses(RuleWithSecretSerializer, 400, 401, 403, code=201),
    )
    def post(self, request: Request) -> Response:
        """Make a rule. A webhook's secret is in this answer and in no other."""
        given = validated(RuleFormSerializer, request, context={"academy": self.academy})
        rule = make_rule(self.user, self.academy, given)
        return Response(RuleWithSecretSerializer(rule, context={"new_secret": bool(rule.secret)}).data, status=201)


class RuleView(AcademyView):
    """One of the caller's rules."""

    capabilities: ClassVar = {"GET": CAPABILITY, "PUT": CAPABILITY, "DELETE": CAPABILITY}

    @extend_schema(
        operation_id="notification_rule",
        parameters=[*ACADEMY, _RULE],
        responses=responses(RuleSerializer, 400, 401, 403, 404),
    )
    def get(self, request: Request, rule_id: int) -> Response:
        """Read one of one's own rules."""
        return Response(RuleSerializer(rule_of(self.user, self.academy, rule_id)).data)

    @extend_schema(
        operation_id="notification_rule_change",
        parameters=[*ACADEMY, _RULE],
        request=RuleFormSerializer(partial=True),
        responses=responses(RuleWithSecretSerializer, 400, 401, 403, 404),
    )
    def put(self, request: Request, rule_id: int) -> Response:
        """Change what is sent; what isn't stays."""
        rule = rule_of(self.user, self.academy, rule_id)
        given = validated(RuleFormSerializer, request, instance=rule, partial=True, context={"academy": self.academy})
        new_secret = change_rule(rule, given)
        return Response(RuleWithSecretSerializer(rule, context={"new_secret": new_secret}).data)

    @extend_schema(
        operation_id="notification_rule_delete",
        parameters=[*ACADEMY, _RULE],
        responses=responses(None, 400, 401, 403, 404, code=204),
    )
    def delete(self, request: Request, rule_id: int) -> Response:
        """Delete a rule; what waits by it isn't sent, what was sent stays in the list."""
        delete_rule(rule_of(self.user, self.academy, rule_id))
        return Response(status=204)


class RuleTestView(AcademyView):
    """Whether a rule's target can be reached."""

    capabilities: ClassVar = {"POST": CAPABILITY}
    throttle_classes = (ScopedRateThrottle,)
    throttle_scope = "notification-test"

    @extend_schema(
        operation_id="notification_rule_test",
        parameters=[*ACADEMY, _RULE],
        request=None,
        responses=responses(TrialSerializer, 400, 401, 403, 404, 429),
    )
    def post(self, request: Request, rule_id: int) -> Response:
        """Send a test message now and answer what happened; it may take ten seconds."""
        failure = try_rule(rule_of(self.user, self.academy, rule_id))
        if failure is None:
            return Response({"sent": True, "reason": "", "error": ""})
        error = failures.sentence(failure.reason, failure.detail)
        return Response({"sent": False, "reason": failure.reason, "error": error})


class NotificationsView(AcademyView):
    """The caller's notifications."""

    capabilities: ClassVar = {"GET": CAPABILITY}
    pagination_class = Pages

    @extend_schema(
        operation_id="notifications",
        parameters=[
            *ACADEMY,
            *filters(state="waiting, sending, sent, failed, dropped; several with commas", rule="ids of rules"),
        ],
        responses=responses(NotificationSerializer(many=True), 400, 401, 403),
    )
    def get(self, request: Request) -> Response:
        """List what was sent to oneself or waits, the newest first."""
        rows = notifications_of(self.user, self.academy)
        if states := words(request, "state"):
            rows = rows.filter(state__in=states)
        if rules := ids(request, "rule"):
            rows = rows.filter(rule_id__in=rules)
        rows = sorted_by(rows, request, _SORTABLE)
        return Pages.answer(rows, request, lambda page: NotificationSerializer(page, many=True).data)
