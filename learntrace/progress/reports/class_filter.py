"""Which part of an academy a page shows: a cohort, an asset, both or neither."""

from dataclasses import dataclass

from learntrace.accounts.cohort_limits.limit import cohorts_of
from learntrace.accounts.models import Academy, Cohort
from learntrace.progress.models import Assignment
from learntrace.progress.periods.period import ALL_TIMES, Period
from learntrace.progress.reports.selection import Selection, learners_of_cohorts, translations_of
from learntrace.registry.models import Asset


@dataclass(frozen=True)
class FilterOptions:
    """The cohorts that the member sees, and the academy's assets that have assignments."""

    cohorts: list[Cohort]
    assets: list[Asset]


@dataclass(frozen=True)
class ClassFilter:
    """The cohort and the asset that were chosen, None where none was, and the period of the figures."""

    academy: Academy
    cohort: Cohort | None = None
    asset: Asset | None = None
    period: Period = ALL_TIMES

    @property
    def selection(self) -> Selection:
        """The ids that the reports take: the asset with its translations, and the learners of the cohort; reads them."""
        cohorts = None if self.cohort is None else frozenset({self.cohort.pk})
        return Selection(
            self.academy,
            assets=None if self.asset is None else translations_of([self.asset.pk]),
            cohorts=cohorts,
            learners=None if cohorts is None else learners_of_cohorts(self.academy, cohorts),
            period=self.period,
        )


def filter_options(academy: Academy) -> FilterOptions:
    """Return what can be chosen; two queries."""
    cohorts = cohorts_of(academy).filter(archived_at__isnull=True).order_by("name", "pk")
    with_assignments = Assignment.objects.filter(academy=academy).order_by().values("asset_id")
    assets = Asset.objects.filter(pk__in=with_assignments).only("id", "slug", "title").order_by("slug")
    return FilterOptions(list(cohorts), list(assets))


def chosen(academy: Academy, options: FilterOptions, cohort: str, asset: str) -> ClassFilter:
    """Return the filter that two slugs name; a slug that no option has does not filter."""
    return ClassFilter(
        academy,
        next((option for option in options.cohorts if option.slug == cohort), None),
        next((option for option in options.assets if option.slug == asset), None),
    )
