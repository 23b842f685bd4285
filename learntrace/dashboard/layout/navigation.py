"""The pages that the navigation of an academy offers, in their order."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class NavigationItem:
    """An item of the navigation: the name of its URL, its title, and the capability that opens it."""

    name: str
    title: str | Promise
    capability: str


NAVIGATION_ITEMS = (
    NavigationItem("class-now", _("Class now"), "read_assignment"),
    NavigationItem("assignments", _("Assignments"), "read_assignment"),
    NavigationItem("learners", _("Learners"), "read_assignment"),
    NavigationItem("assets", _("Assets"), "read_asset"),
    NavigationItem("people", _("People"), "read_member"),
    NavigationItem("telemetry-health", _("Telemetry health"), "read_assignment"),
    NavigationItem("diagnosis", _("Diagnosis"), "read_assignment"),
)
OWN_LEARNING = NavigationItem("my-learning", _("My learning"), "")
"""The only item for those who are staff of no academy."""


@dataclass(frozen=True)
class Link:
    """A link of the header; `current` marks the place that the page belongs to."""

    url: str
    title: str | Promise
    current: bool = False
