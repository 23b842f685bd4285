"""The pages that the navigation of an academy offers, in their order."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


@dataclass(frozen=True)
class NavigationItem:
    """An item of the navigation: the name of its URL, its title, and the capability that opens it.

    `whole`: not for members who see some cohorts only.
    """

    name: str
    title: str | Promise
    capability: str
    whole: bool = False


NAVIGATION_ITEMS = (
    NavigationItem("class-now", _("Class now"), "read_assignment"),
    NavigationItem("assignments", _("Assignments"), "read_assignment"),
    NavigationItem("learners", _("Learners"), "read_assignment"),
    NavigationItem("reports", _("Reports"), "read_assignment"),
    NavigationItem("assets", _("Assets"), "read_asset"),
    NavigationItem("telemetry-health", _("Telemetry health"), "read_assignment"),
    NavigationItem("diagnosis", _("Diagnosis"), "read_assignment"),
)
# What an academy is set up with: the menu "Academy" beside the pages of the class.
ACADEMY_ITEMS = (
    NavigationItem("people", _("People"), "read_member"),
    NavigationItem("keys", pgettext_lazy("what opens something", "Keys"), "crud_academy_auth_settings"),
    NavigationItem("settings", _("Settings"), "get_academy_auth_settings", whole=True),
    NavigationItem("connect", _("Connect"), "read_assignment"),
    NavigationItem("notifications", _("Notifications"), "read_assignment"),
    NavigationItem("audit-log", _("Audit log"), "read_audit_log"),
)
OWN_LEARNING = NavigationItem("my-learning", _("My learning"), "")
"""The only item for those who are staff of no academy."""


@dataclass(frozen=True)
class Link:
    """A link of the header; `current` marks the place that the page belongs to."""

    url: str
    title: str | Promise
    current: bool = False
