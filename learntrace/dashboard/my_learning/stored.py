"""What is stored about oneself: each kind of data with its purpose, how long it is kept, and who sees it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from learntrace.core.personal_data import PersonalDataset, registered_datasets
from learntrace.dashboard.layout.page import Page, signed_in_page
from learntrace.personal.register import KEPT, SEEN_BY, Kept, SeenBy, tables_of

# The register's words are about anybody; the page speaks to the person.
_KEPT_OF_YOU: Mapping[Kept, str | Promise] = {**KEPT, Kept.ERASED: _("Until you erase your data")}
_SEEN_BY_OF_YOU: Mapping[SeenBy, str | Promise] = {
    **SEEN_BY,
    SeenBy.OWN: _("You"),
    SeenBy.STAFF: _("You and the staff of your academies"),
    SeenBy.ADMINS: _("You and the administrators of your academies"),
}


@dataclass(frozen=True)
class StoredLine:
    """A kind of data, as the register of personal fields has it; `count` is how many rows there are of oneself."""

    dataset: PersonalDataset
    count: int
    purpose: str | Promise
    kept: str | Promise
    seen_by: str | Promise


@dataclass(frozen=True)
class StoredContext:
    """The context of `my_learning/stored.html`."""

    lines: Sequence[StoredLine]


def stored_lines(user_id: int) -> list[StoredLine]:
    """Return all kinds of data in the order of the register; one query for each."""
    lines = []
    for dataset in registered_datasets():
        table = next(iter(tables_of(dataset.name)), None)
        if table is not None and table.kept is not None and table.seen_by is not None:
            count = dataset.count(user_id)
            lines.append(
                StoredLine(dataset, count, table.purpose, _KEPT_OF_YOU[table.kept], _SEEN_BY_OF_YOU[table.seen_by])
            )
    return lines


@require_safe
@signed_in_page
def stored(request: HttpRequest, page: Page) -> HttpResponse:
    """Show what is stored about the user, what for, for how long, and who sees it."""
    return page.show("my_learning/stored.html", StoredContext(stored_lines(page.user.pk)))
