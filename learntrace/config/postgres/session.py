"""A database for the duration of a command."""

import contextlib
from collections.abc import Iterator

from learntrace.config import environment


@contextlib.contextmanager
def database() -> Iterator[None]:
    """Make a database available: the configured server, or the embedded one, which is started where none runs."""
    if environment.DATABASE_URL.value():
        yield
        return
    # Imported late: most commands run on a configured server and need nothing of the embedded one.
    from learntrace.config.postgres.server import EmbeddedPostgres

    embedded = EmbeddedPostgres(environment.HOME.value())
    with embedded.ensure():
        yield
