"""`learntrace backup FILE`: the database in one file, made by pg_dump and put back by pg_restore."""

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from learntrace.config import environment
from learntrace.config.postgres.server import EmbeddedPostgres


def main(argv: list[str]) -> int:
    """Write the backup; the file appears only when it is complete."""
    parser = argparse.ArgumentParser(prog="learntrace backup", description="Write the whole database into one file.")
    parser.add_argument("file", type=Path, help="where to; pg_restore reads it")
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    chosen = parser.parse_args(argv)
    if chosen.file.exists() and not chosen.force:
        print(f"learntrace backup: {chosen.file} exists; --force replaces it", file=sys.stderr)
        return 1
    embedded = not environment.DATABASE_URL.value()
    program = str(EmbeddedPostgres(settings.HOME).binary("pg_dump")) if embedded else shutil.which("pg_dump")
    if program is None:
        print("learntrace backup: pg_dump is not on the path; install PostgreSQL's client programs", file=sys.stderr)
        return 1
    partial = chosen.file.with_name(chosen.file.name + ".part")
    # In the environment: every user of the machine can read command lines.
    password = conninfo_to_dict(settings.DATABASE_URL).get("password")
    env = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    address = make_conninfo(settings.DATABASE_URL, password=None)
    command = [program, "--format=custom", "--no-owner", "--dbname", address]
    try:
        partial.touch(mode=0o600)
        with partial.open("wb") as out:
            result = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, env=env, check=False)  # noqa: S603
        if result.returncode:
            partial.unlink()
            print(f"learntrace backup: {result.stderr.decode(errors='replace').strip()}", file=sys.stderr)
            return 1
        partial.replace(chosen.file)
    except OSError as error:
        print(f"learntrace backup: {chosen.file} can't be written: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{chosen.file}: {chosen.file.stat().st_size / 1024**2:.1f} MiB")
    return 0
