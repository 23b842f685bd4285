"""Create, change and test a teacher's own notification rules."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.audit.actions import (
    NOTIFICATION_RULE_CHANGED,
    NOTIFICATION_RULE_DELETED,
    NOTIFICATION_RULE_MADE,
    NOTIFICATION_RULE_TRIED,
    Action,
)
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import is_limited, seen
from learntrace.accounts.models import Academy, Membership, User
from learntrace.accounts.roles import roles_with
from learntrace.core.encryption.secrets import Unreadable
from learntrace.core.errors import FieldProblem, NotFound
from learntrace.signals.models import Notification, NotificationRule
from learntrace.signals.notifications import channels
from learntrace.signals.notifications.channels import CHANNELS, masked_target
from learntrace.signals.notifications.failures import DeliveryFailure
from learntrace.signals.notifications.message import trial_message_of

MOST_RULES = 50  # of one user in one academy
_SECRET_BYTES = 32


def rules_of(user: User, academy: Academy) -> QuerySet[NotificationRule]:
    return NotificationRule.objects.filter(user=user, academy=academy).order_by("id")


def rule_of(user: User, academy: Academy, rule_id: int) -> NotificationRule:
    """Return one of the user's own rules.

    Raises NotFound.
    """
    rule = rules_of(user, academy).select_related("user", "academy").filter(pk=min(rule_id, 2**63 - 1)).first()
    if rule is None:
        raise NotFound(_("You have no such notification rule in this academy"))
    return rule


def notifications_of(user: User, academy: Academy) -> QuerySet[Notification]:
    """Return what was sent to the user or waits, without signals of learners whom the user doesn't see any longer."""
    rows = Notification.objects.filter(user=user, academy=academy)
    if is_limited(academy):
        rows = rows.filter(seen(academy, "signal__user_id") | Q(signal=None))
    return rows.select_related("signal__user").order_by("-id")


def make_rule(user: User, academy: Academy, given: Mapping[str, Any]) -> NotificationRule:
    """Create a rule, for a webhook with a secret.

    Raises FieldProblem.
    """
    if rules_of(user, academy).count() >= MOST_RULES:
        raise FieldProblem(
            "non_field_errors", _("You have %(count)s rules here, which is the maximum"), count=MOST_RULES
        )
    rule = NotificationRule(user=user, academy=academy)
    _change(rule, {"target": "", **given}, NOTIFICATION_RULE_MADE)
    return rule


def change_rule(rule: NotificationRule, given: Mapping[str, Any]) -> bool:
    """Change the given fields and save the rule; return whether it has a new secret.

    Another channel needs its target. The masked target, as it was shown, leaves the stored one as it is.

    Raises FieldProblem.
    """
    return _change(rule, given, NOTIFICATION_RULE_CHANGED)


def delete_rule(rule: NotificationRule) -> None:
    """Delete a rule; what waits by it isn't sent."""
    with transaction.atomic():
        _record(NOTIFICATION_RULE_DELETED, rule, before=_told(rule), after={})
        rule.delete()


@transaction.atomic
def _change(rule: NotificationRule, given: Mapping[str, Any], action: Action) -> bool:
    before = _told(rule) if rule.pk else {}
    new_secret = _set(rule, given)
    rule.save()
    _record(action, rule, before=before, after=_told(rule))
    return new_secret


def _record(action: Action, rule: NotificationRule, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    record(action, academy_id=rule.academy_id, object_id=rule.pk, subject_id=rule.user_id, before=before, after=after)


def _told(rule: NotificationRule) -> dict[str, Any]:
    """Return what the audit log tells of a rule: an address whole, other targets masked, with a mark of their own."""
    sent_to = rule.target
    if sent_to and rule.channel != NotificationRule.Channel.EMAIL:
        sent_to = f"{masked_target(rule)} ({hashlib.sha256(rule.target.encode()).hexdigest()[:8]})"
    shown = (
        "name", "kinds", "least_severity", "channel", "cohort_id", "quiet_from", "quiet_until", "timezone",
        "digest_minutes", "active", "secret",
    )  # fmt: skip
    return {"sent_to": sent_to, **{name: getattr(rule, name) for name in shown}}


def _set(rule: NotificationRule, given: Mapping[str, Any]) -> bool:
    """Set the given fields; return whether the rule has a new secret."""
    fields = {("cohort_id" if name == "cohort" else name): value for name, value in given.items()}
    renew = bool(fields.pop("renew_secret", False))
    if rule.pk and "target" in fields and rule.target and fields["target"] == masked_target(rule):
        del fields["target"]
    moved = "target" in fields or fields.get("channel", rule.channel) != rule.channel
    if moved:
        fields.setdefault("target", "")
        channel = fields.get("channel", rule.channel)
        _check_target(channel, fields["target"], rule.user)
        _check_reach(channel, fields["target"], rule)
        # Earlier failures were those of another target.
        rule.failures, rule.postponed_until = 0, None
    for name, value in fields.items():
        setattr(rule, name, value)
    signed = CHANNELS[rule.channel].signed
    # A secret whose key is missing stays, until its owner enters the target anew.
    lost = isinstance(rule.secret, Unreadable) and not moved
    new_secret = signed and (renew or not (rule.secret or lost))
    if new_secret:
        rule.secret = secrets.token_hex(_SECRET_BYTES)
    elif not signed:
        rule.secret = ""
    return new_secret


def _check_target(channel: str, target: str, user: User) -> None:
    if not target and not CHANNELS[channel].takes_own_address:
        raise FieldProblem("target", _("Enter the address that it is sent to"))
    CHANNELS[channel].check(target)
    if not target and not user.email:
        raise FieldProblem("target", _("You have no e-mail address here: enter one"))


def _check_reach(channel: str, target: str, rule: NotificationRule) -> None:
    """Raise FieldProblem where the rule would tell of learners outside of the academy and its user mayn't do that."""
    staff = Membership.objects.filter(academy=rule.academy, status=Membership.Status.ACTIVE).exclude(role="student")
    if staff.filter(user=rule.user, role__in=roles_with("crud_telemetry")).exists():
        return
    inside = channel == NotificationRule.Channel.EMAIL and (
        target.lower() in ("", rule.user.email.lower()) or staff.filter(user__email__iexact=target).exists()
    )
    if not inside:
        raise FieldProblem(
            "target",
            _(
                "Your role can send notifications only by e-mail and only to the academy's staff. "
                "Ask a teacher to create this rule."
            ),
        )


def try_rule(rule: NotificationRule) -> DeliveryFailure | None:
    """Send a test message now, at any hour; return the failure, None if it was sent."""
    failed: DeliveryFailure | None = None
    try:
        channels.send(rule, trial_message_of(rule))
    except DeliveryFailure as failure:
        failed = failure
    with transaction.atomic():
        sent = {"sent_to": _told(rule)["sent_to"], "outcome": failed.reason if failed else "sent"}
        _record(NOTIFICATION_RULE_TRIED, rule, before={}, after=sent)
    return failed
