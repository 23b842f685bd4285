"""What a page's filters ask about: a cohort and an asset by slug, in the address."""

from django.http import HttpRequest

from learntrace.dashboard.class_now import Choice, Choices, choice_of, choices_of
from learntrace.dashboard.shell import AcademyPage
from learntrace.progress.selection import Selection, assets_named, learners_of_cohorts


def asked(request: HttpRequest, page: AcademyPage) -> tuple[Choices, Choice]:
    """What can be chosen, and what is."""
    choices = choices_of(page.academy)
    return choices, choice_of(page.academy, choices, request.GET.get("cohort", ""), request.GET.get("asset", ""))


def selection_of(choice: Choice) -> Selection:
    """The same for what reads measures."""
    cohorts = None if choice.cohort is None else frozenset({choice.cohort.pk})
    return Selection(
        choice.academy,
        assets=None if choice.asset is None else assets_named([choice.asset.slug]),
        cohorts=cohorts,
        learners=None if cohorts is None else learners_of_cohorts(choice.academy, cohorts),
    )
