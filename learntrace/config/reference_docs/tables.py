"""`python -m learntrace.config.reference_docs.tables`: write the tables of a new database, as the migrations leave them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from learntrace.config.postgres.session import database

NAME = f"learntrace_tables_{os.getpid()}"
# Written below, and by `migrate` after the last migration.
_FILLED_LATER = ("django_migrations", "django_content_type", "auth_permission")
_HEAD = """\
-- Written by `make tables`: all tables as the migrations leave them. Do not edit.
-- A function may name a table that comes later.
SET LOCAL check_function_bodies = false;

"""
# Settings of a session, and where sequences stand of which nothing is kept.
_SEQUENCES = rf"'public\.({'|'.join(_FILLED_LATER)})_id_seq'|.*, 1, false\);"
_LEFT_OUT = re.compile(rf"--|SET |\\|SELECT pg_catalog\.(set_config|setval\(({_SEQUENCES}))")


def dump(program: str, url: str) -> str:
    """Return the statements that create the database at `url` anew, in whatever schema comes first; with its rows."""
    # In the environment: every user of the machine can read command lines.
    password = conninfo_to_dict(url).get("password")
    env = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    options = ["--no-owner", "--no-privileges", "--rows-per-insert=1000"]
    options += [f"--exclude-table-data={table}" for table in _FILLED_LATER]
    address = make_conninfo(url, password=None)
    made = subprocess.run([program, *options, "--dbname", address], env=env, capture_output=True, text=True, check=True)  # noqa: S603
    lines = [line.replace("public.", "") for line in made.stdout.splitlines() if not _LEFT_OUT.match(line)]
    return re.sub(r"\n{2,}", "\n\n", "\n".join(lines)).strip() + "\n"


def tables_after_migrations() -> str:
    """Migrate an empty database of the server that Django is set up for; return what creates it, migrations noted."""
    from django.conf import settings
    from django.core.management import call_command

    from learntrace.config.postgres.server import EmbeddedPostgres
    from learntrace.core.sql import fetch

    with empty_database() as url:
        call_command("migrate", interactive=False, verbosity=0)
        ran = fetch("SELECT app, name FROM django_migrations ORDER BY id")
        statements = dump(str(EmbeddedPostgres(settings.HOME).binary("pg_dump")), url)
    noted = ",\n".join(f"    ('{app}', '{name}', now())" for app, name in ran)
    return f"{_HEAD}{statements}\nINSERT INTO django_migrations (app, name, applied) VALUES\n{noted};\n"


@contextmanager
def empty_database() -> Iterator[str]:
    """Have Django work on an empty database for a while; yields its URL."""
    from django.conf import settings
    from django.db import connection

    usual = connection.settings_dict["NAME"]
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{NAME}" TEMPLATE template0')
    connection.close()
    connection.settings_dict["NAME"] = NAME
    try:
        given = urlsplit(settings.DATABASE_URL)
        yield f"{given.scheme}://{given.netloc}/{NAME}?{given.query}"
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{NAME}" WITH (FORCE)')


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
    with database():
        from learntrace.config.loading import load_django

        load_django()
        from learntrace.config.new_database import TABLES

        TABLES.write_text(tables_after_migrations())
    return 0


if __name__ == "__main__":
    sys.exit(main())
