"""A course's work is kept until the course ends: a retention that is shorter than a course that runs is refused."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from learntrace.accounts.academy_settings import SIGNAL, Features, check_before
from learntrace.accounts.models import Academy, Cohort
from learntrace.core.errors import FieldProblem
from learntrace.core.time_zones import day_with_year
from learntrace.core.words import counted
from learntrace.progress.corrections.attempt_retention import FEATURE


def longest_course(academy: Academy) -> tuple[Cohort, int] | None:
    """Return the longest course of the academy that has not ended, with its days from the first to the last one."""
    rows = Cohort.objects.filter(academy=academy, starts_on__isnull=False, ends_on__gte=timezone.now().date())
    courses = [(cohort, (cohort.ends_on - cohort.starts_on).days + 1) for cohort in rows if cohort.ends_on]  # type: ignore[operator]
    return max(courses, key=lambda course: course[1], default=None)


def _keeps_courses(academy: Academy, before: Features, after: Features) -> None:
    days = after.get(FEATURE)
    if days is None or days == before.get(FEATURE):
        return
    course = longest_course(academy)
    if course is not None and days < course[1]:
        cohort, length = course
        raise FieldProblem(
            SIGNAL,
            _(
                "`%(name)s` must be at least %(length)s: learners of %(cohort)s were promised that their work is kept until "
                "the course ends on %(end)s, and it takes %(days)s"
            ),
            name=FEATURE,
            length=length,
            days=counted.days(length),
            cohort=cohort.name,
            end=day_with_year(cohort.ends_on) if cohort.ends_on else "",
        )


def register() -> None:
    """Have every change of the retention checked."""
    check_before(SIGNAL, _keeps_courses)
