"""The words of the pages of people for the slugs in the code."""

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

ROLES: Final[Mapping[str, Promise]] = {
    "student": _("Learner"),
    "assistant": _("Assistant"),
    "teacher": _("Teacher"),
    "staff": _("Program (sends telemetry)"),
    "admin": _("Administrator"),
}
# What an entry of an import is about.
SECTIONS: Final[Mapping[str, Promise]] = {
    "users": _("person"),
    "memberships": _("role"),
    "cohorts": _("cohort"),
    "cohort_learners": _("place in a cohort"),
    "tasks": _("task"),
}
COUNTED: Final[Mapping[str, Promise]] = {
    "users": _("People"),
    "memberships": _("Roles"),
    "cohorts": _("Cohorts"),
    "cohort_learners": _("Places in cohorts"),
    "tasks": _("Tasks"),
}
COLUMNS: Final[Mapping[str, Promise]] = {
    "username": _("user name"),
    "email": pgettext_lazy("e-mail", "address"),
    "first_name": _("first name"),
    "last_name": _("last name"),
    "language": _("language"),
    "password": _("password"),
    "role": _("role"),
    "status": _("state"),
    "cohorts": _("cohorts"),
    "cohort": _("cohort"),
    "name": _("name"),
    "slug": _("short name"),
    "starts_on": _("first day"),
    "ends_on": _("last day"),
    "title": _("title"),
    "associated_slug": _("asset"),
    "task_type": _("type"),
}
STEPS: Final[Mapping[str, Promise]] = {
    "": _("Waiting for a worker"),
    "reading": _("Reading the file"),
    "comparing": _("Comparing it with what there is"),
    "passwords": _("Storing passwords"),
    "users": _("Writing people"),
    "memberships": _("Writing roles"),
    "cohorts": _("Writing cohorts"),
    "cohort_learners": _("Writing places in cohorts"),
    "tasks": _("Writing tasks"),
    "undoing": _("Undoing"),
}
