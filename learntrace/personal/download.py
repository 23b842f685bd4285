"""The export as a response, for a page or the API."""

import tempfile

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone, translation

from learntrace.accounts.models import User
from learntrace.core.http.file_response import file_answer
from learntrace.personal.exporting import write_export

_TYPE = "application/zip"


def export_answer(request: HttpRequest, user: User) -> StreamingHttpResponse | HttpResponse:
    """Return all personal data of the user as a ZIP file in the active language.

    It is written to the disk first, so that a fault becomes an error response instead of a broken download, and a slow
    client holds no database connection.
    """
    if request.method == "HEAD":
        return HttpResponse(content_type=_TYPE)
    file = tempfile.TemporaryFile(prefix="learntrace-export-")  # noqa: SIM115 (closed with the response)
    try:
        write_export(user, file, translation.get_language() or "en")
    except BaseException:
        file.close()
        raise
    close_old_connections()
    return file_answer(request, file, f"learntrace-{user.pk}-{timezone.now():%Y-%m-%d}.zip", _TYPE)
