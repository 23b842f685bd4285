"""`learntrace`: the operators' command. Each subcommand has its own module; this one only dispatches."""

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence

from learntrace.config import environment
from learntrace.config.postgres.binaries import EmbeddedPostgresError
from learntrace.config.postgres.session import database
from learntrace.config.setting_types import SettingError

Command = Callable[[list[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run `learntrace COMMAND ...`; return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
    commands = _commands()
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(_help(commands))
        return 0 if arguments else 2
    if arguments[0] == "--version":
        from importlib.metadata import version

        print(f"learntrace {version('learntrace')}")
        return 0
    name = arguments[0]
    if name not in commands:
        print(f"learntrace: there is no command {name!r}\n\n{_help(commands)}", file=sys.stderr)
        return 2
    try:
        return commands[name][1](arguments[1:])
    except (SettingError, EmbeddedPostgresError) as error:
        print(f"learntrace: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of the pipe has closed it. Python must not complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not _is_of_the_database(error):
            raise
        first, *_rest = str(error).strip().splitlines() or [type(error).__name__]
        print(f"learntrace: the database says: {first}\nlearntrace: `learntrace doctor` may know more", file=sys.stderr)
        return 1


def _is_of_the_database(error: Exception) -> bool:
    """Whether Django's database layer raised it; does not load Django for the commands that don't need it."""
    errors = sys.modules.get("django.db.utils")
    return errors is not None and isinstance(error, errors.Error)


def _commands() -> dict[str, tuple[str, Command]]:
    return {
        "serve": ("everything in one: database, web, worker, schedules", _serve),
        "web": ("the web server alone, for several machines", _web),
        "worker": ("a worker alone, for several machines", _worker),
        "migrate": ("bring the database's tables up to date", _with_database(_migrate)),
        "upgrade": ("bring an earlier version's tables and data up to date", _with_database(_upgrade)),
        "roster": ("roster import FILE: declare academies, people, assets and tasks", _with_tables(_roster)),
        "token": ("token create | list | revoke", _with_tables(_token)),
        "users": ("users merge | merges | unmerge: two users who are one person", _with_tables(_users)),
        "setup-code": ("a new code for the set-up page of a server that nobody has set up", _with_tables(_setup_code)),
        "unlock": ("let an account or an address sign in again after too many wrong guesses", _with_tables(_unlock)),
        "cohort-limit": ("cohort-limit list | set | lift: which cohorts a teacher sees", _with_tables(_cohort_limit)),
        "recompute": ("make measures and signals again from the activities", _with_tables(_recompute)),
        "demo-class": ("replay a real class of 295 students through a running server", _demo_class),
        "diagnose": ("why is a learner's telemetry on an asset missing?", _with_tables(_diagnose)),
        "encryption": ("encryption status | rotate: the key of webhook and chat targets", _with_tables(_encryption)),
        "doctor": ("is this installation healthy?", _with_database(_doctor)),
        "backup": ("backup FILE: the whole database into one file, with pg_dump", _with_database(_backup)),
        "backup-key": ("backup-key FILE: make a key for encrypted backups", _backup_key),
        "decrypt-backup": ("decrypt-backup FILE OUT --key FILE: a backup that pg_restore reads", _decrypt_backup),
        "settings": ("every setting, its value and what it is for", _settings),
        "manage": ("Django's management commands, as manage.py has them", _with_database(_manage)),
    }


def _help(commands: dict[str, tuple[str, Command]]) -> str:
    width = max(map(len, commands))
    rows = "\n".join(f"  {name:<{width}}  {purpose}" for name, (purpose, _run) in commands.items())
    return f"usage: learntrace COMMAND ...\n\n{rows}\n\n`learntrace COMMAND --help` tells more."


def _with_database(command: Command) -> Command:
    def run(argv: list[str]) -> int:
        if "-h" in argv or "--help" in argv:
            _setup()
            return command(argv)
        with database():
            _setup()
            return command(argv)

    return run


def _with_tables(command: Command) -> Command:
    """Wrap a command that may run before the first `serve`: the embedded database gets its tables.

    A configured server is left alone: other machines may run another version on it.
    """

    def run(argv: list[str]) -> int:
        if "-h" not in argv and "--help" not in argv and not _tables_are_there():
            return 1
        return command(argv)

    return _with_database(run)


def _tables_are_there() -> bool:
    from learntrace.config.upgrade import pending_migrations, upgrade_database

    if not environment.DATABASE_URL.value():
        upgrade_database()
        return True
    if pending := pending_migrations():
        message = f"the database lacks {len(pending)} updates of its tables; run `learntrace migrate` first"
        print(f"learntrace: {message}", file=sys.stderr)
    return not pending


def _setup() -> None:
    from learntrace.config.loading import load_django

    load_django()


def _serve(argv: list[str]) -> int:
    from learntrace.config.runtime import serve

    return serve.main(argv)


def _web(argv: list[str]) -> int:
    from learntrace.config.runtime import serve

    return serve.web(argv)


def _worker(argv: list[str]) -> int:
    from learntrace.config.runtime import serve

    return serve.worker(argv)


def _migrate(argv: list[str]) -> int:
    argparse.ArgumentParser(prog="learntrace migrate").parse_args(argv)
    from learntrace.config.upgrade import upgrade_database

    upgrade_database()
    return 0


def _upgrade(argv: list[str]) -> int:
    from learntrace.config.commands.upgrade import main as run

    return run(argv)


def _roster(argv: list[str]) -> int:
    from learntrace.config.commands.roster import main as run

    return run(argv)


def _token(argv: list[str]) -> int:
    from learntrace.accounts.tokens.command import main as run

    return run(argv)


def _unlock(argv: list[str]) -> int:
    from learntrace.accounts.signing_in.unlock_command import main as run

    return run(argv)


def _users(argv: list[str]) -> int:
    from learntrace.config.commands.users import main as run

    return run(argv)


def _setup_code(argv: list[str]) -> int:
    from learntrace.accounts.first_setup.command import main as run

    return run(argv)


def _cohort_limit(argv: list[str]) -> int:
    from learntrace.accounts.cohort_limits.command import main as run

    return run(argv)


def _recompute(argv: list[str]) -> int:
    from learntrace.config.commands.recompute import main as run

    return run(argv)


def _demo_class(argv: list[str]) -> int:
    from learntrace.config.demo.replay_class import main as run

    return run(argv)


def _diagnose(argv: list[str]) -> int:
    from learntrace.diagnosis.command import main as run

    return run(argv)


def _encryption(argv: list[str]) -> int:
    from learntrace.config.commands.encryption import main as run

    return run(argv)


def _doctor(argv: list[str]) -> int:
    from learntrace.config.commands.doctor import main as run

    return run(argv)


def _backup(argv: list[str]) -> int:
    from learntrace.config.commands.backup import main as run

    return run(argv)


def _backup_key(argv: list[str]) -> int:
    from learntrace.config.commands.backup_keys import make_key as run

    return run(argv)


def _decrypt_backup(argv: list[str]) -> int:
    from learntrace.config.commands.backup_keys import decrypt as run

    return run(argv)


def _settings(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="learntrace settings", description="Every setting with its value.")
    parser.parse_args(argv)
    for setting in environment.SETTINGS:
        value = "(set)" if setting.secret and os.environ.get(setting.name) else os.environ.get(setting.name)
        shown = value or f"{setting.default or '(empty)'}"
        print(f"{setting.name}={shown}{'' if value else '   (default)'}\n    {setting.purpose}")
        setting.value()
    return 0


def _manage(argv: list[str]) -> int:
    from django.core.management import execute_from_command_line

    if argv[:1] == ["dbshell"]:
        _find_psql()
    execute_from_command_line(["learntrace manage", *argv])
    return 0


# These never touch the database, or start their own.
_WITHOUT_DATABASE = {"help", "--help", "-h", "version", "--version", "makemessages", "compilemessages", "test"}


def run_management_command(argv: Sequence[str]) -> None:
    """Run a Django command for manage.py, with the embedded database where the command needs it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "learntrace.config.settings")
    from django.core.management import execute_from_command_line

    needs_none = len(argv) < 2 or argv[1] in _WITHOUT_DATABASE or "--help" in argv
    try:
        with contextlib.nullcontext() if needs_none else database():
            if len(argv) > 1 and argv[1] == "dbshell":
                _find_psql()
            execute_from_command_line(list(argv))
    except (SettingError, EmbeddedPostgresError) as error:
        sys.exit(f"manage.py: {error}")


def _find_psql() -> None:
    """Put the embedded PostgreSQL's psql on the path if the machine has none."""
    import shutil

    from learntrace.config.postgres.server import EmbeddedPostgres

    if shutil.which("psql") is None:
        folder = EmbeddedPostgres(environment.HOME.value()).binary("psql").parent
        os.environ["PATH"] = f"{os.environ.get('PATH', '')}{os.pathsep}{folder}"
