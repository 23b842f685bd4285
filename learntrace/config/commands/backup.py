"""`learntrace backup FILE`: the database in one file, made by pg_dump and put back by pg_restore.

With keys (`backup_keys`) the file is encrypted for them on its way to the disk: this machine can't read it afterwards.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import pyrage
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from learntrace.config import environment
from learntrace.config.commands.backup_keys import recipients
from learntrace.config.postgres.server import EmbeddedPostgres


def main(argv: list[str]) -> int:
    """Write the backup; the file appears only when it is complete."""
    chosen = _parser().parse_args(argv)
    if chosen.file.exists() and not chosen.force:
        return _refuse(f"{chosen.file} exists; --force replaces it")
    try:
        keys = recipients(chosen.keys or environment.BACKUP_KEYS.value())
    except ValueError as error:
        return _refuse(str(error))
    program = _pg_dump()
    if program is None:
        return _refuse("pg_dump is not on the path; install PostgreSQL's client programs")
    partial = chosen.file.with_name(chosen.file.name + ".part")
    try:
        partial.touch(mode=0o600)
        with partial.open("wb") as out:
            problem = _dump(program, out, keys)
        if problem:
            partial.unlink()
            return _refuse(problem)
        partial.replace(chosen.file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        return _refuse(f"{chosen.file} can't be written: {error.strerror}")
    encrypted = ", encrypted" if keys else ""
    print(f"{chosen.file}: {chosen.file.stat().st_size / 1024**2:.1f} MiB{encrypted}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="learntrace backup", description="Write the whole database into one file.")
    parser.add_argument("file", type=Path, help="where to; pg_restore reads it")
    parser.add_argument("--force", action="store_true", help="replace the file if it exists")
    parser.add_argument(
        "--key",
        action="append",
        dest="keys",
        metavar="AGE1...",
        help="encrypt for this public key, which `learntrace backup-key` makes; again for another. "
        "Default: LEARNTRACE_BACKUP_KEYS",
    )
    return parser


def _refuse(reason: str) -> int:
    print(f"learntrace backup: {reason}", file=sys.stderr)
    return 1


def _pg_dump() -> str | None:
    if environment.DATABASE_URL.value():
        return shutil.which("pg_dump")
    return str(EmbeddedPostgres(settings.HOME).binary("pg_dump"))


def _dump(program: str, out: IO[bytes], keys: list[pyrage.x25519.Recipient]) -> str:
    """Write the dump; return what went wrong, empty if nothing did."""
    # In the environment: every user of the machine can read command lines.
    password = conninfo_to_dict(settings.DATABASE_URL).get("password")
    env = {**os.environ, **({"PGPASSWORD": str(password)} if password else {})}
    address = make_conninfo(settings.DATABASE_URL, password=None)
    command = [program, "--format=custom", "--no-owner", "--dbname", address]
    with tempfile.TemporaryFile() as told:
        if keys:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=told, env=env) as dump:  # noqa: S603
                pyrage.encrypt_io(dump.stdout, out, keys)
            code = dump.returncode
        else:
            code = subprocess.run(command, stdout=out, stderr=told, env=env, check=False).returncode  # noqa: S603
        told.seek(0)
        return told.read().decode(errors="replace").strip() if code else ""
