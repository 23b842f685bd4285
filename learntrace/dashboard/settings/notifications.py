"""The page Notifications: one's own rules, by which signals are sent, with a test message; as the API has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.models import Cohort
from learntrace.core.errors import FieldProblem, Problem
from learntrace.core.http.filters import natural
from learntrace.core.words.sentences import ended
from learntrace.dashboard.layout.page import AcademyPage, academy_page, form_on
from learntrace.dashboard.settings import effects
from learntrace.signals.detectors import KINDS
from learntrace.signals.documents import kind_name
from learntrace.signals.models import NotificationRule, Signal
from learntrace.signals.notifications import failures
from learntrace.signals.notifications.channels import masked_target
from learntrace.signals.notifications.channels.email import sends_mail
from learntrace.signals.notifications.queueing import CAPABILITY
from learntrace.signals.notifications.rules import change_rule, delete_rule, make_rule, rule_of, rules_of, try_rule
from learntrace.signals.notifications.sent import SentByRule, sent_by, window_days
from learntrace.signals.notifications.serializers import RuleFormSerializer

# Test messages of one user in a minute, as at the API.
MOST_TESTS: Final = 10
DIGESTS: Final[Sequence[tuple[int, str | Promise]]] = (
    (0, gettext_lazy("at once")),
    (15, gettext_lazy("every 15 minutes")),
    (60, gettext_lazy("every hour")),
    (1440, gettext_lazy("once a day")),
)
FIELDS: Final[Mapping[str, str | Promise]] = {
    "name": gettext_lazy("Name"),
    "channel": gettext_lazy("Sent by"),
    "target": gettext_lazy("Sent to"),
    "kinds": gettext_lazy("Which signals"),
    "least_severity": gettext_lazy("Lowest severity"),
    "cohort": gettext_lazy("Cohort"),
    "quiet_from": gettext_lazy("Quiet from"),
    "quiet_until": gettext_lazy("Quiet until"),
    "timezone": gettext_lazy("Time zone"),
    "digest_minutes": gettext_lazy("How often"),
}


class TooManyTests(Problem):
    status_code = 429
    text = gettext_lazy("Too many test messages in a short time. Wait a minute and try again")


@dataclass(frozen=True)
class RuleForm:
    """A rule's form as it is shown: what is stored, or what was typed."""

    pk: int | None = None
    name: str = ""
    channel: str = NotificationRule.Channel.EMAIL.value
    target: str = ""
    kinds: Sequence[str] = ()
    least_severity: str = "1"
    cohort: str = ""
    quiet_from: str = ""
    quiet_until: str = ""
    timezone: str = ""
    digest_minutes: str = "0"


@dataclass(frozen=True)
class RuleLine:
    """A rule with its form and, in words, what it does, and what deleting it ends."""

    rule: NotificationRule
    form: RuleForm
    title: str
    sentence: str
    open: bool
    deleting: Sequence[str]


@dataclass(frozen=True)
class NotificationsContext:
    """The context of `settings/notifications.html`; `secret` is a webhook's new key to sign with, shown this once."""

    rules: Sequence[RuleLine]
    cohorts: Sequence[Cohort]
    new: RuleForm
    open_new: bool = False
    problem: str = ""
    secret: str = ""
    kinds: Sequence[tuple[str, str]] = field(default_factory=lambda: [(kind, kind_name(kind)) for kind in KINDS])
    severities: Sequence[tuple[int, str | Promise]] = tuple(Signal.Severity.choices)
    channels: Sequence[tuple[str, str | Promise]] = ()
    by_mail: bool = True
    digests: Sequence[tuple[int, str | Promise]] = DIGESTS


@require_safe
@academy_page(CAPABILITY)
def notifications(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Show one's own rules in the academy; `?new` opens the form of another one."""
    return _show(page, open_new="new" in request.GET)


def _show(
    page: AcademyPage,
    *,
    typed: RuleForm | None = None,
    problem: Problem | str = "",
    secret: str = "",
    code: int = 200,
    open_new: bool = False,
) -> HttpResponse:
    rules = list(rules_of(page.user, page.academy).select_related("cohort"))
    sent = sent_by(rules)
    sentence = problem if isinstance(problem, str) else problem.told()
    by_mail = sends_mail()
    fresh = RuleForm(channel=_channels(by_mail)[0][0], timezone=get_current_timezone_name())
    context = NotificationsContext(
        rules=[_line(rule, typed, sent[rule.pk]) for rule in rules],
        cohorts=list(cohorts_of(page.academy).order_by("name")),
        new=typed if typed is not None and typed.pk is None else fresh,
        open_new=open_new or (typed is not None and typed.pk is None),
        problem=sentence,
        secret=secret,
        channels=_channels(by_mail),
        by_mail=by_mail,
    )
    return page.show("settings/notifications.html", context, code)


def _channels(by_mail: bool) -> list[tuple[str, str | Promise]]:
    """Return the channels by which a rule can send; one that can't send stands last, and is named as such."""
    mail = NotificationRule.Channel.EMAIL
    others = [(slug, label) for slug, label in NotificationRule.Channel.choices if slug != mail]
    return (
        [(mail.value, mail.label), *others]
        if by_mail
        else [*others, (mail.value, _("E-mail (this server sends none)"))]
    )


def _line(rule: NotificationRule, typed: RuleForm | None, sent: SentByRule) -> RuleLine:
    open_here = typed is not None and typed.pk == rule.pk
    form = typed if typed is not None and open_here else _form_of(rule)
    kinds = ", ".join(kind_name(kind) for kind in rule.kinds) or _("all signals")
    if rule.least_severity > Signal.Severity.LOW:
        severity = Signal.Severity(rule.least_severity).label.lower()
        kinds = _("%(kinds)s of at least %(severity)s severity") % {"kinds": kinds, "severity": severity}
    where = masked_target(rule) or _("your own address")
    sentence = _("%(kinds)s, %(channel)s to %(target)s, %(often)s") % {
        "kinds": kinds,
        "channel": str(NotificationRule.Channel(rule.channel).label).lower(),
        "target": where,
        "often": dict(DIGESTS).get(rule.digest_minutes, f"{rule.digest_minutes} min"),
    }
    title = rule.name or str(NotificationRule.Channel(rule.channel).label)
    return RuleLine(rule, form, title, sentence, open_here, effects.of_deleting(sent, window_days()))


def _form_of(rule: NotificationRule) -> RuleForm:
    return RuleForm(
        pk=rule.pk,
        name=rule.name,
        channel=rule.channel,
        target=masked_target(rule),
        kinds=rule.kinds,
        least_severity=str(rule.least_severity),
        cohort=str(rule.cohort_id or ""),
        quiet_from=f"{rule.quiet_from:%H:%M}" if rule.quiet_from else "",
        quiet_until=f"{rule.quiet_until:%H:%M}" if rule.quiet_until else "",
        timezone=rule.timezone,
        digest_minutes=str(rule.digest_minutes),
    )


def _typed(given: QueryDict, pk: int | None) -> RuleForm:
    names = ("name", "channel", "target", "least_severity", "cohort", "quiet_from", "quiet_until", "timezone")
    texts = {name: given.get(name, "").replace("\0", "").strip()[:500] for name in names}
    kinds = [kind[:40] for kind in given.getlist("kinds")[:50]]
    return RuleForm(pk=pk, kinds=kinds, digest_minutes=given.get("digest_minutes", "0")[:10], **texts)


def _sent(form: RuleForm) -> dict[str, Any]:
    """Return a form's fields as the API takes them."""
    sent: dict[str, Any] = {name: getattr(form, name) for name in FIELDS}
    for name in ("cohort", "quiet_from", "quiet_until"):
        sent[name] = sent[name] or None
    sent["timezone"] = sent["timezone"] or "UTC"
    return sent


@form_on("notifications")
@academy_page(CAPABILITY)
def save(request: HttpRequest, page: AcademyPage) -> HttpResponse:
    """Make a rule, or change the one that is named; what was typed stays where it is refused."""
    number = natural(request.POST.get("rule", ""))
    typed = _typed(request.POST, number)
    rule = rule_of(page.user, page.academy, number) if number is not None else None
    form = RuleFormSerializer(rule, data=_sent(typed), partial=rule is not None, context={"academy": page.academy})
    if not form.is_valid():
        name, errors = next(iter(form.errors.items()))
        first = errors[0] if isinstance(errors, list) else errors
        return _show(page, typed=typed, problem=ended(f"{FIELDS.get(name, name)}: {first}"), code=400)
    try:
        if rule is None:
            rule = make_rule(page.user, page.academy, form.validated_data)
            new_secret = bool(rule.secret)
        else:
            new_secret = change_rule(rule, form.validated_data)
    except FieldProblem as problem:
        sentence = f"{FIELDS[problem.field]}: {problem.told()}" if problem.field in FIELDS else problem.told()
        return _show(page, typed=typed, problem=sentence, code=problem.status_code)
    if new_secret:
        return _show(page, secret=str(rule.secret))
    messages.success(request, _("The rule was saved. Send a test message to see whether it reaches you."))
    return redirect(page.address("notifications"))


@require_POST
@academy_page(CAPABILITY)
def switch(request: HttpRequest, page: AcademyPage, rule_id: int) -> HttpResponse:
    """Turn a rule on or off."""
    rule = rule_of(page.user, page.academy, rule_id)
    change_rule(rule, {"active": request.POST.get("active") == "yes"})
    return redirect(page.address("notifications"))


@require_POST
@academy_page(CAPABILITY)
def delete(request: HttpRequest, page: AcademyPage, rule_id: int) -> HttpResponse:
    """Delete a rule."""
    delete_rule(rule_of(page.user, page.academy, rule_id))
    messages.success(request, _("The rule was deleted, and what was waiting to be sent was dropped."))
    return redirect(page.address("notifications"))


@require_POST
@academy_page(CAPABILITY)
def test(request: HttpRequest, page: AcademyPage, rule_id: int) -> HttpResponse:
    """Send a test message now, and say what happened; it may take ten seconds."""
    rule = rule_of(page.user, page.academy, rule_id)
    _count_test(page.user.pk)
    failure = try_rule(rule)
    if failure is None:
        messages.success(request, _("The test message was sent. Check whether it has arrived."))
    else:
        messages.error(request, ended(failures.sentence(failure.reason, failure.detail)))
    return redirect(page.address("notifications"))


def _count_test(user_id: int) -> None:
    """Raise TooManyTests where a user has sent many lately: each has this server call another one."""
    name = f"notification-tests-{user_id}"
    cache.add(name, 0, timeout=60)
    try:
        count = cache.incr(name)
    except ValueError:
        # The minute ended between the two.
        return
    if count > MOST_TESTS:
        raise TooManyTests
