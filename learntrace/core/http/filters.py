"""List filters, parsed from the query string."""

from rest_framework.request import Request

from learntrace.core.errors import InvalidFilter

_BIGGEST = 2**63 - 1


def joined(request: Request, field: str) -> str:
    """Return a comma-separated parameter; one that is given several times is read as one list."""
    return ",".join(request.query_params.getlist(field))


def words(request: Request, field: str) -> list[str]:
    """Return the non-blank parts of a comma-separated parameter."""
    return [part.strip() for part in joined(request, field).split(",") if part.strip()]


def natural(text: str) -> int | None:
    """Parse a number without sign; None for any other text. Larger numbers than any id become the largest bigint."""
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text.lstrip("0")[:20] or "0"), _BIGGEST)


def ids(request: Request, field: str) -> list[int]:
    """Return the numbers of a comma-separated parameter.

    Raises Problem (400, invalid-filter) that lists the parts that aren't numbers.
    """
    numbers = {part: natural(part) for part in words(request, field)}
    if bad := [part for part, number in numbers.items() if number is None]:
        raise InvalidFilter(field, ",".join(bad))
    return [number for number in numbers.values() if number is not None]
