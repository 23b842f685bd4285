"""Searching the webhook log from a page, newest first, without reading all of a big log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

from django.db.models import Q, QuerySet
from rest_framework.request import Request

from learntrace.accounts.cohort_limits.limit import parameter
from learntrace.accounts.filters import moment, one_of
from learntrace.accounts.models import Academy
from learntrace.accounts.people.naming import BY_ID, BY_NAME, ids_by_name
from learntrace.accounts.scope import learners_of
from learntrace.core.http.filters import joined, natural
from learntrace.core.json import refuse_unstorable
from learntrace.core.quoting import listed, unquoted
from learntrace.core.sql import fetch
from learntrace.learnpack.models import Webhook
from learntrace.learnpack.webhook_log.causes import with_cause
from learntrace.learnpack.webhook_log.queries import rows_of
from learntrace.registry.models import Asset

LISTS: Final = ("student", "event", "status", "asset", "package")
"""The filters that are lists; one that the URL has several times is one list."""
NAMES: Final = (*LISTS, "cause", "since", "until")
"""The filters, as in the URL's query string."""

WINDOW: Final = 20_000
PATIENCE: Final = 0.2
"""Rows are searched in windows of WINDOW rows; after PATIENCE seconds a search stops and says how far it got."""

# Never the payloads: they may have hundreds of KB each.
_SHOWN = (
    "is_streaming", "event", "package_slug", "learnpack_package_id", "status", "status_text", "reason",
    "reason_values", "replaced", "created_at", "updated_at", "asset__slug", "asset__title",
    "student__username", "student__first_name",
    "student__last_name",
)  # fmt: skip
# One step in the index on students for each member: otherwise the newest rows of an academy that sends little would be
# searched among all rows of others.
_NEWEST = """
SELECT newest.id
  FROM accounts_membership m
 CROSS JOIN LATERAL (
       SELECT w.id, w.created_at
         FROM learnpack_webhook w LEFT JOIN registry_asset a ON a.id = w.asset_id
        WHERE w.student_id = m.user_id
          AND (a.academy_id IS NULL OR a.academy_id = %(academy)s
               OR NOT EXISTS (SELECT FROM accounts_membership o
                               WHERE o.user_id = w.student_id AND o.academy_id = a.academy_id))
          AND (w.created_at, w.id) < (%(at)s, %(id)s)
        ORDER BY w.created_at DESC, w.id DESC LIMIT %(most)s) AS newest
 WHERE m.academy_id = %(academy)s AND (%(seen)s::bigint[] IS NULL OR m.user_id = ANY(%(seen)s))
 ORDER BY newest.created_at DESC, newest.id DESC LIMIT %(most)s
"""


@dataclass(frozen=True)
class PagePosition:
    """A row's position in the log, for the next page; as a text `1764000000123456-17`."""

    at: datetime
    id: int

    def __str__(self) -> str:
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.id}"

    @property
    def before(self) -> Q:
        """The condition for older rows, in the form that an index on `created_at` serves."""
        return Q(created_at__lte=self.at) & (Q(created_at__lt=self.at) | Q(id__lt=self.id))

    @property
    def onwards(self) -> Q:
        """The condition for this row and newer rows."""
        return Q(created_at__gte=self.at) & (Q(created_at__gt=self.at) | Q(id__gte=self.id))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOP = PagePosition(datetime(9999, 1, 1, tzinfo=UTC), 0)


def position_of(text: str) -> PagePosition | None:
    """Return the position that a text names, None for any other text."""
    microseconds, _dash, row = text.partition("-")
    parts = natural(microseconds), natural(row)
    if parts[0] is None or parts[1] is None:
        return None
    try:
        return PagePosition(_EPOCH + timedelta(microseconds=parts[0]), parts[1])
    except OverflowError:
        return None


@dataclass(frozen=True)
class Search:
    """The filters of a search in an academy's log; None doesn't filter."""

    academy: Academy
    students: Sequence[int] | None = None
    events: Sequence[str] | None = None
    statuses: Sequence[str] | None = None
    assets: Sequence[int] | None = None
    packages: Q | None = None
    cause: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @property
    def filters(self) -> bool:
        """Whether anything is filtered."""
        return self != Search(self.academy)

    def rows(self) -> QuerySet[Webhook]:
        """Return the rows that match, unordered."""
        rows = rows_of(self.academy)
        lists = {"student_id": self.students, "event": self.events, "status": self.statuses, "asset_id": self.assets}
        rows = rows.filter(**{f"{column}__in": values for column, values in lists.items() if values is not None})
        if self.packages is not None:
            rows = rows.filter(self.packages)
        if self.cause is not None:
            rows = with_cause(rows, self.cause)
        if self.since is not None:
            rows = rows.filter(created_at__gte=self.since)
        return rows.filter(created_at__lt=self.until) if self.until is not None else rows

    def walked(self) -> QuerySet[Webhook]:
        """Return the rows to walk, in the order of an index: all, or those of a status or of a learner."""
        rows = Webhook.objects.all()
        if self.students is not None and len(self.students) == 1:
            return rows.filter(student_id=self.students[0])
        statuses = (Webhook.Status.ERROR.value,) if self.cause is not None else self.statuses
        return rows.filter(status=statuses[0]) if statuses is not None and len(statuses) == 1 else rows


@dataclass(frozen=True)
class Found:
    """Rows, newest first, without their payloads; `older` is the position of the next page.

    `until` is how far back the search got if it stopped before it had found enough.
    """

    rows: Sequence[Webhook]
    older: PagePosition | None = None
    until: datetime | None = None


def search_of(academy: Academy, request: Request) -> Search:
    """Return the search of a query string, whose values are read by `core.quoting`.

    Raises Problem (400).
    """
    return Search(
        academy,
        students=_students(academy, _named(request, "student")),
        events=_named(request, "event") or None,
        statuses=one_of(request, "status", tuple(Webhook.Status.values)) or None,
        assets=_assets(_named(request, "asset")),
        packages=_packages(_named(request, "package")),
        cause=_cause(request.query_params.get("cause", "")),
        since=moment(request, "since"),
        until=moment(request, "until"),
    )


def _named(request: Request, field: str) -> list[str]:
    values = listed(joined(request, field))
    # Quotes may hold escapes of characters that PostgreSQL can't store.
    refuse_unstorable(values)
    return values


def _cause(text: str) -> str | None:
    """Return the cause that a filter names, None if it is blank; `""` is the cause without a text."""
    if not text.strip():
        return None
    cause = unquoted(text)
    refuse_unstorable(cause)
    return cause


def _students(academy: Academy, named: Sequence[str]) -> list[int] | None:
    """Return the academy's learners by a name that means one (`people.naming`) or a part of a full name."""
    if not named:
        return None
    people = learners_of(academy)
    meant = ids_by_name(named, people)
    wanted = Q(pk__in=set(meant.values()))
    for name in named:
        if natural(name) is None and not name.startswith((BY_ID, BY_NAME)):
            parts = [Q(first_name__contains_word=part) | Q(last_name__contains_word=part) for part in name.split()[:4]]
            wanted |= Q(email__iexact=name) | Q(*parts)
    return list(people.filter(wanted).values_list("pk", flat=True))


def _assets(named: Sequence[str]) -> list[int] | None:
    if not named:
        return None
    numbers = [number for name in named if (number := natural(name)) is not None]
    assets = Asset.objects.filter(Q(slug__in=named) | Q(aliases__slug__in=named) | Q(pk__in=numbers))
    return list(assets.values_list("pk", flat=True).distinct())


def _packages(named: Sequence[str]) -> Q | None:
    if not named:
        return None
    numbers = [number for name in named if (number := natural(name)) is not None]
    return Q(package_slug__in=named) | Q(learnpack_package_id__in=numbers)


def newest_of(academy: Academy, most: int, before: PagePosition = _TOP) -> list[Webhook]:
    """Return the academy's newest rows before a position, without their payloads; two queries."""
    asked = {"academy": academy.pk, "seen": parameter(academy), "most": most, "at": before.at, "id": before.id}
    rows = fetch(_NEWEST, asked)
    ids = [webhook_id for (webhook_id,) in rows]
    return list(_shown(Webhook.objects.filter(pk__in=ids)))


def find(search: Search, before: PagePosition | None, most: int) -> Found:
    """Return the newest rows before a position, at most `most`; two queries for each window."""
    rows: list[Webhook] = []
    begun, top = monotonic(), before or _TOP
    while True:
        end = _end_of_window(search, top)
        wanted = search.rows().filter(top.before, *([end.onwards] if end else []))
        rows += _shown(wanted)[: most + 1 - len(rows)]
        if end and len(rows) <= most and not search.filters:
            # The academy sends so little that reading its learners' newest rows is faster.
            rows, end = newest_of(search.academy, most + 1, before or _TOP), None
        if len(rows) > most:
            last = rows[most - 1]
            return Found(rows[:most], PagePosition(last.created_at, last.pk))
        if end is None or (search.since is not None and end.at < search.since):
            return Found(rows)
        if monotonic() - begun > PATIENCE:
            return Found(rows, end, end.at)
        top = end


def _end_of_window(search: Search, top: PagePosition) -> PagePosition | None:
    """Return the oldest row of the window before a position, None if it is the last window."""
    walked = search.walked().filter(top.before)
    if search.until is not None:
        walked = walked.filter(created_at__lt=search.until)
    row = walked.order_by("-created_at", "-id").values_list("created_at", "pk")[WINDOW - 1 : WINDOW].first()
    return PagePosition(*row) if row else None


def _shown(rows: QuerySet[Webhook]) -> QuerySet[Webhook]:
    return rows.select_related("student", "asset").only(*_SHOWN).order_by("-created_at", "-id")
