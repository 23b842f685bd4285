"""The embedded database with real servers: what kills, power cuts, odd paths and two commands at once do to it."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from learntrace.config.postgres import binaries, lifecycle
from learntrace.config.postgres.layout import ELSEWHERE
from learntrace.config.postgres.server import EmbeddedPostgres, EmbeddedPostgresError, StartCancelledError
from tests.support.paths import CHECKOUT
from tests.support.waiting import wait_until

# A new database is a thousand files: in memory, where there is enough, that takes a third of the time.
MEMORY = "/dev/shm" if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 2**31 else None
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run PostgreSQL as another user")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A folder that any user can enter, as /srv or a checkout is; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="learntrace-test-", dir=MEMORY))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database_of() -> Iterator[Callable[[Path], EmbeddedPostgres]]:
    made: list[EmbeddedPostgres] = []

    def make(home: Path) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(home))
        return made[-1]

    yield make
    for database in made:
        remove(database)


@pytest.fixture
def fresh(reachable: Path, database_of: Callable[[Path], EmbeddedPostgres]) -> EmbeddedPostgres:
    """The database of a home that does not exist yet."""
    return database_of(reachable / "var")


@pytest.fixture(scope="session")
def made_once() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="learntrace-test-", dir=MEMORY))
    folder.chmod(0o755)
    EmbeddedPostgres(folder / "var").initialise()
    yield folder / "var"
    shutil.rmtree(folder)


@pytest.fixture
def database(fresh: EmbeddedPostgres, made_once: Path) -> EmbeddedPostgres:
    """An initialised one; copied, because that is faster."""
    subprocess.run(["cp", "-a", str(made_once), str(fresh.home)], check=True)
    return fresh


def remove(database: EmbeddedPostgres) -> None:
    """Stop it and remove what lies outside its home."""
    database.stop(patience=1)
    for folder in (database.layout.folder, database.layout.sockets):
        shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        ELSEWHERE.rmdir()


def query(database: EmbeddedPostgres, sql: str) -> object:
    with psycopg.connect(database.url, autocommit=True) as connection:
        cursor = connection.execute(sql)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def keep_a_row(database: EmbeddedPostgres) -> None:
    query(database, "CREATE TABLE kept AS SELECT 42 AS answer")


def assert_row_is_kept(database: EmbeddedPostgres) -> None:
    assert query(database, "SELECT answer FROM kept") == 42


def python(code: str, home: Path) -> subprocess.Popen[str]:
    """Another process of ours, with `database` made; it may print, and hears us on its standard input."""
    prelude = (
        "import sys, time; from pathlib import Path; import psycopg\n"
        "from learntrace.config.postgres.server import EmbeddedPostgres\n"
        "database = EmbeddedPostgres(Path(sys.argv[1]))\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + code, str(home)],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=60)
    return process.returncode


def server_pid(database: EmbeddedPostgres) -> int:
    pid = lifecycle.running(database.layout)
    assert pid is not None
    return pid


def run_as(user: pwd.struct_passwd, action: Callable[[], None]) -> int:
    """Act in a fork that has become another user, whom the interpreter's files may be closed to; its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
            action()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def use(home: Path) -> None:
    database = EmbeddedPostgres(home)
    with database.ensure():
        query(database, "SELECT 1")


def modes_above(path: Path) -> dict[str, int]:
    return {str(parent): parent.stat().st_mode for parent in path.parents}


def test_a_fresh_home_gets_a_server_with_our_settings(fresh: EmbeddedPostgres) -> None:
    process = fresh.start()
    assert process is not None
    assert process.poll() is None
    settings = {name: query(fresh, f"SHOW {name}") for name in lifecycle.SETTINGS}
    assert settings == lifecycle.SETTINGS
    assert query(fresh, "SELECT current_user || ' ' || current_database()") == "learntrace learntrace"
    assert query(fresh, "SHOW server_encoding") == "UTF8"
    assert query(fresh, "SELECT upper('ä') < upper('z')") is False  # by code point, on every machine the same
    assert query(fresh, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True


def test_the_socket_can_be_reached_by_its_owner_alone(database: EmbeddedPostgres) -> None:
    database.start()
    assert database.layout.sockets.stat().st_mode & 0o777 == 0o700
    assert query(database, "SHOW listen_addresses") == ""


def test_another_process_finds_it_by_its_home_alone(fresh: EmbeddedPostgres) -> None:
    other = python("print(database.url)", fresh.home)
    url = line_of(other)
    assert end(other) == 0
    fresh.start()
    assert url == fresh.url


def test_a_restart_keeps_the_rows(database: EmbeddedPostgres) -> None:
    database.start()
    keep_a_row(database)
    database.stop()
    assert not database.is_answering()
    assert database.start() is not None
    assert_row_is_kept(database)


def test_a_second_start_adopts_the_server_and_can_stop_it(database: EmbeddedPostgres) -> None:
    process = database.start()
    assert process is not None
    other = EmbeddedPostgres(database.home)
    assert other.start() is None
    other.stop()
    assert process.wait(60) == 0


def test_a_killed_server_starts_again_at_once(database: EmbeddedPostgres) -> None:
    for attempt in range(3):
        database.start()
        if attempt == 0:
            keep_a_row(database)
        os.kill(server_pid(database), signal.SIGKILL)
    database.start()
    assert_row_is_kept(database)


def test_a_killed_owner_leaves_nothing_that_hinders_a_start(database: EmbeddedPostgres) -> None:
    owner = python("database.start(); print('started', flush=True); time.sleep(600)", database.home)
    assert line_of(owner) == "started"
    keep_a_row(database)
    owner.kill()
    end(owner)
    database.start()
    assert_row_is_kept(database)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_owner_takes_the_server_with_it(database: EmbeddedPostgres) -> None:
    owner = python("database.start(); print('started', flush=True); time.sleep(600)", database.home)
    assert line_of(owner) == "started"
    owner.kill()
    end(owner)
    wait_until(lambda: lifecycle.running(database.layout) is None, "the server has ended")


def test_a_server_started_in_a_thread_outlives_the_thread(database: EmbeddedPostgres) -> None:
    thread = threading.Thread(target=database.start)
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert database.is_answering()


def test_a_kill_in_the_middle_of_the_first_start_leaves_nothing_half_made(fresh: EmbeddedPostgres) -> None:
    first = python("print('ready', flush=True); database.initialise()", fresh.home)
    assert line_of(first) == "ready"
    wait_until(lambda: bool(list(fresh.home.glob("postgres/data.new-*"))), "the database is being made")
    first.kill()
    end(first)
    assert not fresh.layout.data.exists()
    fresh.start()
    assert fresh.is_answering()
    assert not list(fresh.home.glob("postgres/data.new-*"))


def test_two_first_starts_at_once_both_work(fresh: EmbeddedPostgres) -> None:
    code = "with database.ensure():\n psycopg.connect(database.url).execute('SELECT 1'); print('served', flush=True)"
    both = [python(code, fresh.home) for _ in range(2)]
    assert [line_of(process) for process in both] == ["served", "served"]
    assert [end(process) for process in both] == [0, 0]
    assert lifecycle.running(fresh.layout) is None


def test_whoever_leaves_last_stops_the_server(database: EmbeddedPostgres) -> None:
    code = "with database.ensure():\n print('in', flush=True); sys.stdin.readline()"
    starter = python(code, database.home)
    assert line_of(starter) == "in"
    other = python(code, database.home)
    assert line_of(other) == "in"
    assert end(starter) == 0
    assert database.is_answering()
    assert end(other) == 0
    assert lifecycle.running(database.layout) is None


def test_a_command_leaves_the_server_of_serve_alone(database: EmbeddedPostgres) -> None:
    database.start()
    with EmbeddedPostgres(database.home).ensure():
        pass
    assert database.is_answering()


def test_a_command_adopts_and_stops_what_a_killed_command_left(database: EmbeddedPostgres) -> None:
    killed = python("with database.ensure():\n print('in', flush=True); time.sleep(600)", database.home)
    assert line_of(killed) == "in"
    killed.kill()
    end(killed)
    assert database.is_answering()
    with database.ensure():
        pass
    assert lifecycle.running(database.layout) is None


def test_a_pid_that_passed_on_to_another_program_does_not_hinder_a_start(database: EmbeddedPostgres) -> None:
    database.start()
    keep_a_row(database)
    pid_file = database.layout.data / "postmaster.pid"
    left = pid_file.read_bytes()
    process = database._process
    assert process is not None
    process.kill()
    process.wait()
    account = database.layout.account
    with subprocess.Popen(["sleep", "60"], user=account.uid if account else None) as stranger:
        for path in (pid_file, database.layout.sockets / ".s.PGSQL.5432.lock"):
            path.write_bytes(b"%d\n" % stranger.pid + left.partition(b"\n")[2])
        database.start()
        assert_row_is_kept(database)
        assert stranger.poll() is None
        stranger.kill()


def test_lock_files_that_a_power_cut_emptied_do_not_hinder_a_start(database: EmbeddedPostgres) -> None:
    database.initialise()
    (database.layout.data / "postmaster.pid").touch()
    (database.layout.sockets / ".s.PGSQL.5432.lock").touch()
    assert database.start() is not None


def test_a_server_that_cannot_start_says_why(database: EmbeddedPostgres) -> None:
    database.initialise()
    (database.layout.data / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(EmbeddedPostgresError, match="no_such_setting"):
        database.start()


def test_a_start_can_be_cancelled(fresh: EmbeddedPostgres) -> None:
    with pytest.raises(StartCancelledError):
        fresh.start(lambda: True)
    assert lifecycle.running(fresh.layout) is None


def test_data_of_another_version_are_refused_and_kept(database: EmbeddedPostgres) -> None:
    database.initialise()
    (database.layout.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 17"):
        database.start()


def test_a_server_without_a_free_connection_still_answers(database: EmbeddedPostgres) -> None:
    database.start()
    with contextlib.ExitStack() as connections:
        for _ in range(int(lifecycle.SETTINGS["max_connections"])):
            connections.enter_context(psycopg.connect(database.url))
        with pytest.raises(psycopg.OperationalError, match="too many clients"):
            psycopg.connect(database.url)
        assert database.is_answering()


def test_its_log_stays_small(database: EmbeddedPostgres) -> None:
    database.start()
    with database.layout.log.open("ab") as log:
        log.write(b"x" * (lifecycle.LARGEST_LOG + 1))
    database.trim_log()
    assert database.layout.log.stat().st_size == 0
    with pytest.raises(psycopg.Error):
        query(database, "SELECT no_such_column")
    assert b"no_such_column" in database.layout.log.read_bytes()


@pytest.mark.parametrize("name", ["x" * 150, 'it\'s "100%" $HOME Ümläut', "a,b"])
def test_odd_paths_work(name: str, reachable: Path, database_of: Callable[[Path], EmbeddedPostgres]) -> None:
    database = database_of(reachable / name / "var")
    database.start()
    assert query(database, "SELECT 1") == 1
    assert len(os.fsencode(database.layout.sockets / ".s.PGSQL.5432")) < 103
    assert database.layout.sockets.stat().st_mode & 0o777 == 0o700


def test_a_socket_folder_of_someone_else_is_refused(
    reachable: Path, database_of: Callable[[Path], EmbeddedPostgres]
) -> None:
    database = database_of(reachable / ("x" * 150) / "var")
    (reachable / "elsewhere").mkdir()
    database.layout.sockets.symlink_to(reachable / "elsewhere")
    try:
        with pytest.raises(EmbeddedPostgresError, match="not ours"):
            database.start()
    finally:
        database.layout.sockets.unlink()


def test_its_programs_are_found(database: EmbeddedPostgres) -> None:
    database.start()
    psql = [str(database.binary("psql")), database.url, "-Atc", "SELECT 1"]
    assert subprocess.run(psql, capture_output=True, text=True, check=True).stdout == "1\n"
    assert database.binary("pg_dump").is_file()
    with pytest.raises(EmbeddedPostgresError):
        database.binary("no_such_program")


@root_only
class TestAsRoot:
    def test_a_reachable_home_holds_everything(self, fresh: EmbeddedPostgres) -> None:
        before = modes_above(fresh.home)
        fresh.start()
        assert fresh.layout.data == fresh.home / "postgres" / "data"
        assert fresh.layout.data.stat().st_uid != 0
        assert modes_above(fresh.home) == before

    def test_a_closed_home_gets_a_link_to_its_database(
        self, tmp_path: Path, database_of: Callable[[Path], EmbeddedPostgres], caplog: pytest.LogCaptureFixture
    ) -> None:
        tmp_path.chmod(0o700)
        before = modes_above(tmp_path / "var")
        database = database_of(tmp_path / "var")
        database.start()
        keep_a_row(database)
        database.stop()
        assert (database.home / "postgres").readlink() == database.layout.folder
        assert database.layout.folder.parent == ELSEWHERE
        assert modes_above(tmp_path / "var") == before
        assert len([record for record in caplog.records if "is a link to it" in record.message]) == 1
        again = EmbeddedPostgres(database.home)
        assert again.url == database.url
        again.start()
        assert_row_is_kept(again)
        again.stop()

    def test_a_link_to_nothing_is_not_taken_for_an_empty_database(
        self, tmp_path: Path, database_of: Callable[[Path], EmbeddedPostgres]
    ) -> None:
        tmp_path.chmod(0o700)
        database = database_of(tmp_path / "var")
        database.initialise()
        shutil.rmtree(database.layout.folder)
        with pytest.raises(EmbeddedPostgresError, match="nothing is there"):
            EmbeddedPostgres(database.home).start()

    def test_data_stay_with_their_account(
        self, reachable: Path, database_of: Callable[[Path], EmbeddedPostgres]
    ) -> None:
        nobody = pwd.getpwnam("nobody")
        home = reachable / "var"
        home.mkdir()
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        database = database_of(home)
        assert run_as(nobody, lambda: use(home)) == 0
        database.start()
        assert database.layout.folder == home / "postgres"
        assert database.layout.account is not None
        assert database.layout.account.uid == nobody.pw_uid
        database.stop()
        assert run_as(nobody, lambda: use(home)) == 0

    def test_programs_in_a_closed_folder_are_copied(
        self, tmp_path: Path, database: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tmp_path.chmod(0o700)
        package = binaries.packaged().parent.parent
        unneeded = shutil.ignore_patterns("include", "*.a", "pginstall")
        shutil.copytree(package, tmp_path / package.name, ignore=unneeded, symlinks=True)
        shutil.copytree(package.with_suffix(".libs"), tmp_path / f"{package.name}.libs")
        closed = tmp_path / package.name / "pginstall18" / "bin"
        monkeypatch.setattr(binaries, "packaged", lambda: closed)
        database.start()
        assert query(database, "SELECT 1") == 1
        if sys.platform == "linux":
            program = Path(f"/proc/{server_pid(database)}/exe").readlink()
            assert program.is_relative_to(database.home / "postgres" / "binaries")
        shutil.rmtree(tmp_path / package.name)
