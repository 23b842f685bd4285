"""The weekly summary by mail: who gets it, and sending it on Mondays."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import structlog
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.audit.actions import SUMMARY_SUBSCRIBED
from learntrace.accounts.audit.recording import record
from learntrace.accounts.cohort_limits.limit import as_seen_by, within
from learntrace.accounts.models import Academy, Cohort, Membership, User
from learntrace.accounts.roles import roles_with
from learntrace.core.http.language import FALLBACK
from learntrace.core.words import counted
from learntrace.progress.catalogue import Title, full_titles_of
from learntrace.progress.models import SummarySubscription
from learntrace.progress.reports.selection import learners_of_cohorts
from learntrace.progress.summaries.span import Span, last_week
from learntrace.progress.summaries.week import Week, names_of, week_of

log = structlog.get_logger(__name__)

# On Mondays, UTC: before the day begins in Europe, and after Sunday has ended in America.
HOUR: Final = 6
MOST_NAMED: Final = 10


def subscription_of(user: User, academy: Academy) -> SummarySubscription | None:
    return SummarySubscription.objects.filter(user=user, academy=academy).first()


@transaction.atomic
def subscribe(user: User, academy: Academy, cohort: Cohort | None, *, wanted: bool) -> None:
    """Have a member get the summary of the academy or a cohort every Monday, or no longer."""
    before = subscription_of(user, academy)
    if wanted:
        # The week that has just ended is on the page: the first mail is the next Monday's.
        SummarySubscription.objects.update_or_create(
            user=user, academy=academy, defaults={"cohort": cohort, "sent_for": last_week().first}
        )
    else:
        SummarySubscription.objects.filter(user=user, academy=academy).delete()
    record(
        SUMMARY_SUBSCRIBED,
        academy_id=academy.pk,
        subject_id=user.pk,
        before={"weekly": before is not None, "cohort_id": before.cohort_id if before else None},
        after={"weekly": wanted, "cohort_id": cohort.pk if wanted and cohort else None},
    )


def send_due(now: datetime | None = None) -> int:
    """Send last week's summaries that weren't sent yet; return how many. One that can't be sent is tried until Tuesday."""
    now = now or datetime.now(UTC)
    with timezone.override(UTC):
        week = last_week(now.date())
        if not settings.EMAIL_HOST or now.weekday() > 0 or now.hour < HOUR:
            return 0
        due = SummarySubscription.objects.exclude(sent_for__gte=week.first)
        return sum(_send(one, week) for one in due.select_related("user", "academy", "cohort").order_by("pk"))


def _send(subscription: SummarySubscription, week: Span) -> bool:
    # The row count decides which worker sends it.
    claimed = SummarySubscription.objects.filter(pk=subscription.pk).exclude(sent_for__gte=week.first)
    if not claimed.update(sent_for=week.first):
        return False
    message = message_of(subscription, week)
    if message is None:
        return False
    try:
        message.send()
    except OSError as error:  # smtplib's errors are of this kind too
        log.warning("weekly summary not sent", subscription=subscription.pk, error=type(error).__name__)
        SummarySubscription.objects.filter(pk=subscription.pk).update(sent_for=subscription.sent_for)
        return False
    return True


def message_of(subscription: SummarySubscription, week: Span) -> EmailMessage | None:
    """Return the mail; None for whom nothing is sent to any longer, and for a week in which nobody did anything."""
    user = subscription.user
    memberships = Membership.objects.filter(
        user=user,
        academy=subscription.academy,
        academy__status=Academy.Status.ACTIVE,
        status=Membership.Status.ACTIVE,
        role__in=roles_with("read_assignment"),
    )
    membership = memberships.select_related("academy").first()
    if membership is None or not user.is_active or not user.email:
        return None
    academy = as_seen_by(membership)
    cohort = subscription.cohort
    chosen = None if cohort is None else learners_of_cohorts(academy, frozenset({cohort.pk}))
    figures = week_of(academy.pk, within(academy, chosen), week)
    if not figures.attempts and not figures.slipped:
        return None
    with translation.override(user.language or FALLBACK):
        subject = _("%(class)s: the week of %(day)s") % {
            "class": cohort.name if cohort else academy.name,
            "day": date_format(week.first, "DATE_FORMAT"),
        }
        return EmailMessage(subject, text_of(academy, cohort, week, figures), settings.DEFAULT_FROM_EMAIL, [user.email])


def text_of(academy: Academy, cohort: Cohort | None, week: Span, figures: Week) -> str:
    """Return the mail's text in the active language."""
    named = (*figures.hard[:MOST_NAMED], *figures.easier[:MOST_NAMED])
    titles = full_titles_of(academy.pk, [one.key for one in named])
    parts = [_activity(figures), _slipped(figures), _hard(figures, titles), _easier(figures, titles)]
    return "\n\n".join([*filter(None, parts), *_link(academy, cohort, week)]) + "\n"


def _activity(figures: Week) -> str:
    active = ngettext(
        "%(active)s learner worked, %(before)s the week before.",
        "%(active)s learners worked, %(before)s the week before.",
        figures.active,
    )
    if not figures.active:
        active = _("Nobody worked, %(before)s the week before.")
    completed = ngettext(
        "An assignment was completed once.", "Assignments were completed %(count)s times.", figures.newly_done
    )
    if not figures.newly_done:
        completed = _("Nothing was completed.")
    numbers = {"active": figures.active, "before": figures.active_before, "count": figures.newly_done}
    return f"{active} {completed}" % {name: counted.number(value) for name, value in numbers.items()}


def _slipped(figures: Week) -> str:
    if not figures.slipped:
        return _("Nobody slipped.")
    named = figures.slipped[:MOST_NAMED]
    names = names_of([one.learner.user_id for one in named])
    lines = [
        f"- {names.get(one.learner.user_id, one.learner.user_id)}: "
        + ", ".join(reason_text(reason) for reason in one.reasons)
        for one in named
    ]
    return "\n".join([_("Who slipped"), *lines, *_more(len(figures.slipped))])


def _hard(figures: Week, titles: Mapping[str, Title]) -> str:
    """Return the paragraph on what was hard, "" where nothing was."""
    if not figures.hard:
        return ""
    lines = [
        _("- %(assignment)s: %(done)s of %(learners)s done, %(share)s%% of attempts failed")
        % {
            "assignment": titles[one.key],
            "done": one.done,
            "learners": one.learners,
            "share": round(100 * one.failed_share),
        }
        for one in figures.hard[:MOST_NAMED]
    ]
    return "\n".join([_("What was hard"), *lines, *_more(len(figures.hard))])


def _easier(figures: Week, titles: Mapping[str, Title]) -> str:
    """Return the paragraph on what got easier, "" where nothing did."""
    if not figures.easier:
        return ""
    lines = [
        _("- %(assignment)s: %(share)s%% of attempts failed, %(before)s%% the week before")
        % {
            "assignment": titles[one.key],
            "share": round(100 * one.failed_share),
            "before": round(100 * one.failed_share_before),
        }
        for one in figures.easier[:MOST_NAMED]
    ]
    return "\n".join([_("What got easier"), *lines, *_more(len(figures.easier))])


def _link(academy: Academy, cohort: Cohort | None, week: Span) -> list[str]:
    """Return the line with the page's link; none where the server doesn't know its own address."""
    if not settings.PUBLIC_URL:
        return []
    query = f"?academy={academy.pk}&first={week.first}&last={week.last}" + (f"&cohort={cohort.slug}" if cohort else "")
    link = f"{settings.PUBLIC_URL}{reverse('reports')}{query}"
    return [_("All of it, and how to stop these e-mails: %(link)s") % {"link": link}]


def _more(count: int) -> list[str]:
    left = count - MOST_NAMED
    return [ngettext("- and %(count)s more", "- and %(count)s more", left) % {"count": left}] if left > 0 else []


def reason_text(reason: str) -> str:
    """Return a reason (`week.Reason`) in the active language."""
    texts = {
        "quiet": _("no attempts this week"),
        "stuck": _("stuck"),
        "behind": _("fell behind the class"),
    }
    return texts[reason]


def is_available(user: User) -> bool:
    """Whether the summary can be sent to the user by mail."""
    return bool(settings.EMAIL_HOST and user.email)
