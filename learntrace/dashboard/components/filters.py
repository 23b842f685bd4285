"""The filters above a page: a cohort and an asset, which the query string names by slug."""

from dataclasses import dataclass

from django.http import HttpRequest

from learntrace.accounts.models import Academy
from learntrace.progress.reports.class_filter import ClassFilter, FilterOptions, chosen, filter_options


@dataclass(frozen=True)
class Filters:
    """What can be chosen, and what is."""

    options: FilterOptions
    chosen: ClassFilter


def filters_of(request: HttpRequest, academy: Academy) -> Filters:
    """Return the filters of a request; two queries."""
    options = filter_options(academy)
    return Filters(options, chosen(academy, options, request.GET.get("cohort", ""), request.GET.get("asset", "")))
