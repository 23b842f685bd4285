"""The filters above a page: a cohort and an asset, which the query string names by slug, and a range of dates."""

from dataclasses import dataclass, replace

from django.http import HttpRequest

from learntrace.accounts.models import Academy
from learntrace.dashboard.components.date_range import DateRange, figures_range
from learntrace.progress.reports.class_filter import ClassFilter, FilterOptions, chosen, filter_options


@dataclass(frozen=True)
class Filters:
    """What can be chosen, and what is; `dates` are None on a page of what is now."""

    options: FilterOptions
    chosen: ClassFilter
    dates: DateRange | None = None


def filters_of(request: HttpRequest, academy: Academy) -> Filters:
    """Return the filters of a request; two queries."""
    options = filter_options(academy)
    return Filters(options, chosen(academy, options, request.GET.get("cohort", ""), request.GET.get("asset", "")))


def figure_filters_of(request: HttpRequest, academy: Academy) -> Filters:
    """Return the filters of a page of figures, with the range of dates that they are of; two queries."""
    filters = filters_of(request, academy)
    dates = figures_range(request, academy, filters.chosen.cohort)
    return replace(filters, chosen=replace(filters.chosen, period=dates.period), dates=dates)
