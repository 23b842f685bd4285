"""The export as the answer to a request, of a page or of the API."""

import tempfile

from django.db import close_old_connections
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone, translation

from learntrace.accounts.models import User
from learntrace.core.files import file_answer
from learntrace.personal.exporting import write_export

_TYPE = "application/zip"


def export_answer(request: HttpRequest, user: User) -> StreamingHttpResponse | HttpResponse:
    """All that is held about the user, as a ZIP file in the active language.

    It is written to the disk first: a fault is told as such instead of breaking off a download, and who loads it slowly
    holds no connection to the database.
    """
    if request.method == "HEAD":
        return HttpResponse(content_type=_TYPE)
    file = tempfile.TemporaryFile(prefix="learntrace-export-")  # noqa: SIM115 (it is closed when it is sent)
    try:
        write_export(user, file, translation.get_language() or "en")
    except BaseException:
        file.close()
        raise
    close_old_connections()
    return file_answer(request, file, f"learntrace-{user.pk}-{timezone.now():%Y-%m-%d}.zip", _TYPE)
