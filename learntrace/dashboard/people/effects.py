"""What archiving somebody does, told before it is done: with the numbers of what ends and of what stays."""

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from learntrace.accounts.models import Academy, User
from learntrace.accounts.people.listing import Person
from learntrace.accounts.tokens.own import tokens_of
from learntrace.assignments.tasks import tasks_seen_in
from learntrace.assignments.visibility import telemetry_seen_in
from learntrace.signals.notifications.rules import rules_of


def of_archiving(academy: Academy, person: Person, role: str | Promise, *, elsewhere: bool) -> list[str]:
    """Return sentences; `elsewhere`: the person also acts beyond the academy, where nothing changes."""
    user = person.user
    sentences = [_("The role here ends: %(role)s. It can be given back at any time.") % {"role": role}]
    if elsewhere:
        sentences.append(_("What this person may do outside this academy stays as it is."))
    if cohorts := len(person.cohorts):
        sentences.append(
            ngettext(
                "The class of %(count)s cohort no longer shows this person.",
                "The classes of %(count)s cohorts no longer show this person.",
                cohorts,
            )
            % {"count": cohorts}
        )
    sentences += [*_keys(user, elsewhere=elsewhere), *_rules(academy, user), *_records(academy, user)]
    return sentences


def _keys(user: User, *, elsewhere: bool) -> list[str]:
    if elsewhere:
        # How many keys somebody has who acts in other academies, too, isn't this academy's to know.
        return [_("This person's keys no longer give access to this academy.")]
    count = tokens_of(user).count()
    if not count:
        return []
    sentence = ngettext(
        "%(count)s key stops working: what is sent with it is refused.",
        "%(count)s keys stop working: what is sent with them is refused.",
        count,
    )
    return [sentence % {"count": count}]


def _rules(academy: Academy, user: User) -> list[str]:
    count = rules_of(user, academy).filter(active=True).count()
    if not count:
        return []
    sentence = ngettext(
        "%(count)s notification rule stops sending.", "%(count)s notification rules stop sending.", count
    )
    return [sentence % {"count": count}]


def _records(academy: Academy, user: User) -> list[str]:
    tasks = tasks_seen_in(academy).filter(user=user).count()
    records = telemetry_seen_in(academy).filter(user=user).count()
    kinds = (
        (tasks, ngettext("%(count)s task stays stored.", "%(count)s tasks stay stored.", tasks)),
        (
            records,
            ngettext("%(count)s telemetry record stays stored.", "%(count)s telemetry records stay stored.", records),
        ),
    )
    return [sentence % {"count": count} for count, sentence in kinds if count]
