"""Which lessons of the grid a browser has folded: a cookie, so that the first answer already has the columns to show."""

from django.http import HttpRequest

from learntrace.core.http.filters import natural

# Written by static/dashboard/classroom.js: the keys of the folded groups, as "3.17", or "-" for none.
COOKIE = "learntrace_folded"
# More than any academy shows at once.
_MOST = 200


def folded_in(request: HttpRequest) -> frozenset[int] | None:
    """Return the keys of the folded groups, None for a browser that has not been here yet."""
    told = request.COOKIES.get(COOKIE, "")
    if not told:
        return None
    keys = (natural(key) for key in told.split(".")[:_MOST])
    return frozenset(key for key in keys if key is not None)
