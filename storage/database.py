"""The database: one writer thread with group commit, a few reader threads, SQLite or PostgreSQL behind the same calls.

All of it runs in threads of its own, so that a participant who hangs up never cancels a statement half way.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import math
import os
import queue
import socket
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from prometheus_client import Gauge, Histogram
from sqlalchemy import URL, Connection, Engine, create_engine, delete, event, insert, make_url, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage import failpoints, fences, log, tables
from storage.errors import AlreadyOpen, ReadOnly, StorageError, StorageFull, TooOld, Unavailable
from storage.values import Appended, Entry

T = TypeVar("T")

BATCH_POSTS = 256  # messages in one commit, at most
READERS = 4
BUSY_MS = 5_000
STATEMENT_MS = 5_000
LOCK_MS = 2_000
IDLE_MS = 10_000  # in a transaction
MIGRATION_LOCK_MS = 30_000
# The step of the oldest version whose servers can work with the present schema. It moves when a step takes something away
# that they used: such a step is told in docs/operate.md, and comes a version after the last one that needed what it takes.
OLDEST = "0004"
CONNECT_SECONDS = 2
POOL_SECONDS = 1
POOL_RECYCLE_SECONDS = 1_800  # a balancer before PostgreSQL may have forgotten a connection that is older
ANSWER_SECONDS = 2.0  # after which a caller hears that the database does not answer, whatever it may still do
WATCH_SECONDS = 0.25
HOLD_TRIES, HOLD_SECONDS = 50, 0.1  # a server that was killed a moment ago may not be missed yet
TAKE_BACK_TRIES = 5
WAL_BYTES = 64 << 20  # what SQLite's write-ahead log is cut back to once nobody reads from it
PLANS_SECONDS = 2.0  # after which what a table has grown to shows in PostgreSQL's plans
PROGRESS_STEPS = 20_000  # of SQLite's machine between two looks at the clock: a fraction of a millisecond
EVERY_TENANT = "*"  # in whose name is read what is counted or looked up for all at once
QUEUED_POSTS = 20_000  # beyond this many waiting messages the database is not keeping up: new ones are refused

logger = logging.getLogger("tertulia.storage")

COMMIT_SECONDS = Histogram(
    "tertulia_commit_seconds", "One transaction of the writer, from its begin to the end of its commit.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)  # fmt: skip
COMMIT_MESSAGES = Histogram(
    "tertulia_commit_messages",
    "Messages that were stored by one transaction.",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
WAITING_MESSAGES = Gauge("tertulia_waiting_messages", "Messages that wait to be stored.")


class Database:
    """An open database. Made by ``open``; ``close`` waits for what was accepted."""

    def __init__(self, url: URL, reader_role: str = "") -> None:
        self.url = url
        self.epoch = ""
        self._fenced = bool(reader_role)
        self._lock_file: int | None = None
        self._writing = _engine(url, writes=True)
        self._reading = _engine(url, writes=False, read_seconds=STATEMENT_MS / 1_000, role=reader_role)
        self._readers = ThreadPoolExecutor(READERS, "tertulia-read")
        self._writer = _Writer(self._writing)

    @classmethod
    def open(cls, url: str, *, shared: bool = False, reader_role: str = "") -> Database:
        """Open and bring up to date the database at ``sqlite:///path`` or ``postgresql://…``.

        ``shared`` lets other servers that share it use it too: they must hear each other. Raises AlreadyOpen when another server
        uses it and both do not share, Unavailable when PostgreSQL cannot be reached, ValueError when a SQLite file is to be shared.

        ``reader_role`` is a role of PostgreSQL under which everything is read: it sees the rows of one tenant at a time, and can
        write nothing. Raises ValueError when it is not fit for that.
        """
        parsed = normalise(url)
        if reader_role and parsed.get_backend_name() == "sqlite":
            raise ValueError("A role for reading needs PostgreSQL: SQLite has no roles.")
        if reader_role and not reader_role.isidentifier():
            raise ValueError(f"{reader_role!r} is no name of a role: letters, digits and underscores, please.")
        database = cls(parsed, reader_role)
        try:
            if parsed.get_backend_name() == "sqlite":
                if shared:
                    raise ValueError("Several servers need PostgreSQL: a SQLite file belongs to one.")
                database._lock_file = _lock(parsed)
            migrate(url)
            database._writer.hold(shared=shared)
            database.epoch = database._writer.transact(_epoch)
            if reader_role:
                with database._reading.connect() as connection:
                    fences.check(connection, reader_role)
        except BaseException as problem:
            database._let_go()
            if isinstance(problem, DBAPIError):
                raise translate(problem) from problem
            raise
        database._writer.start()
        return database

    async def append(self, entry: Entry) -> Appended:
        """Append a message durably. Raises Unavailable or StorageFull; then nothing was stored, or the answer was lost."""
        return await self._writer.append(entry)

    async def write(self, act: Callable[[Connection], T]) -> T:
        """Run ``act`` in a transaction of its own on the writer. What it raises undoes it and comes out here."""
        return await self._writer.act(act)

    async def read(self, ask: Callable[[Connection], T], *, of: str = EVERY_TENANT) -> T:
        """Run ``ask`` in a transaction that reads, in the name of a tenant. Raises Unavailable.

        With a role for reading the database itself shows no other tenant's rows then.
        """

        def run() -> T:
            try:
                with self._reading.connect() as connection:
                    if self._fenced:
                        fences.read_as(connection, of)
                    return ask(connection)
            except (DBAPIError, PoolTimeout) as problem:
                raise translate(problem) from problem

        # Who gives up takes back the question if nobody has begun on it. A thread that has is left to finish its statement.
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._readers, run)
        except TimeoutError:
            raise Unavailable("the database does not answer") from None

    @property
    def state(self) -> str:
        """How the last writing went: ``ready``, ``full`` where there was no room for it, ``read only`` where none is taken."""
        return self._writer.state

    async def ping(self) -> None:
        """Ask the database for an answer. Raises Unavailable."""
        await self.read(lambda connection: connection.execute(select(1)))

    async def close(self) -> None:
        """Store what is waiting, then let go of everything."""
        await asyncio.get_running_loop().run_in_executor(None, self._writer.stop)
        self._let_go()

    def _let_go(self) -> None:
        self._readers.shutdown()
        self._writer.let_go()
        self._reading.dispose()
        self._writing.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)


@contextmanager
def looking(url: str) -> Iterator[Connection]:
    """A connection of the command line, or of a process beside a server, that reads and nothing else, for as long as it likes."""
    engine = _engine(normalise(url), writes=False)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SET statement_timeout = 0"))
                connection.execute(text("SET default_transaction_read_only = on"))
                connection.execute(text("SET default_transaction_isolation = 'repeatable read'"))  # as on SQLite
                connection.execute(text("SET idle_in_transaction_session_timeout = 0"))
                connection.commit()
            yield connection
    finally:
        engine.dispose()


def normalise(url: str) -> URL:
    """The SQLAlchemy URL for what an operator writes; PostgreSQL gets its driver. Raises ValueError for any other database."""
    parsed = make_url(url)
    match parsed.get_backend_name():
        case "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise ValueError("SQLite needs a file: sqlite:///path/to/file.db")
            return parsed.set(drivername="sqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise ValueError(f"{other} is not supported: use sqlite:///path or postgresql://…")


def migrate(url: str, to: str = "head") -> None:
    """Bring the schema up to date, or up to a step; a second process that tries at the same time waits for the first.

    A schema from after this version is left as it is if it lets this version work. Raises TooOld if not.
    """
    # Alembic is only needed here, and takes a third of a second to import.
    from alembic import command
    from alembic.config import Config
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    parsed = normalise(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = _engine(parsed, writes=True)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                # A step may take minutes with millions of rows, and another process may be taking them just now.
                for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
                    connection.execute(text(f"SET LOCAL {limit} = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(7306083)"))
                # While a step waits for a table, everybody else waits behind it.
                connection.execute(text(f"SET LOCAL lock_timeout = {MIGRATION_LOCK_MS}"))
            steps = ScriptDirectory.from_config(config)
            known = {step.revision for step in steps.walk_revisions()}
            current = MigrationContext.configure(connection).get_current_revision()
            if current is not None and current not in known:
                # A newer version has been here, and this one is started again before it is replaced as well.
                if _oldest(connection) > str(steps.get_current_head()):
                    raise TooOld(current)
                return
            config.attributes["connection"] = connection
            command.upgrade(config, to)
            if to == "head" and _oldest(connection) != OLDEST:
                connection.execute(delete(tables.meta).where(tables.meta.c.key == "oldest"))
                connection.execute(insert(tables.meta).values(key="oldest", value=OLDEST))
    finally:
        engine.dispose()


def _oldest(connection: Connection) -> str:
    """The step of the oldest version that can work with the schema as it is; beyond all of them where that is not told."""
    found = connection.execute(select(tables.meta.c.value).where(tables.meta.c.key == "oldest")).scalar()
    return str(found or "~")


@contextmanager
def beside(url: str, *, patient: bool = False) -> Iterator[Connection]:
    """One transaction of the command line on a database that is up to date, beside a server that may be running on it.

    ``patient`` for what may take longer than a server's own statements. Raises Unavailable when there is no such database.
    """
    parsed = normalise(url)
    if parsed.get_backend_name() == "sqlite" and not os.path.exists(str(parsed.database)):
        raise Unavailable(f"There is no database at {parsed.database}.")
    engine = _engine(parsed, writes=True)
    try:
        with engine.begin() as connection:
            if patient:
                _be_patient(connection)
            yield connection
    finally:
        engine.dispose()


def tidy(url: str, *names: str) -> bool:
    """See to it that what was deleted from these tables is not in the database's files any more, as far as that can be done.

    On SQLite everything is written anew: False when the log of writes could not be emptied because somebody reads from it.
    On PostgreSQL the space is free to be written over, and no more.
    """
    engine = create_engine(normalise(url), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                for name in names:
                    connection.exec_driver_sql(f"VACUUM {name}")
                return True
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {MIGRATION_LOCK_MS}")
            connection.exec_driver_sql("VACUUM")
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
            return not busy
    finally:
        engine.dispose()


def _be_patient(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SET LOCAL lock_timeout = {MIGRATION_LOCK_MS}"))
    else:
        # What is deleted is overwritten as well.
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


def translate(problem: Exception) -> StorageError:
    """Our word for what a driver raised."""
    if isinstance(problem, StorageError):
        return problem
    cause = getattr(problem, "orig", problem)
    if isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_FULL:
        return StorageFull(str(cause))
    match getattr(cause, "sqlstate", None):
        case "53100":  # disk_full
            return StorageFull(str(cause))
        case "25006":  # read_only_sql_transaction: a standby, or a primary that is one no more
            return ReadOnly(str(cause))
    return Unavailable(str(cause))


class _Writer:
    """The one thread that writes. Messages that wait together are committed together."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Kept between commits: taking one from the pool and giving it back costs as much as a small batch does.
        self._connection: Connection | None = None
        self._take = ""
        self._planned = 0.0
        self._jobs: queue.SimpleQueue[list[_Post] | _Act | None] = queue.SimpleQueue()
        self._gathered: list[_Post] = []
        self._waiting = 0
        self.state = "ready"
        self._due: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._thread = threading.Thread(target=self._run, name="tertulia-write", daemon=True)
        WAITING_MESSAGES.set_function(lambda: self._waiting)

    def hold(self, *, shared: bool) -> None:
        """Hold the database for this process, or together with others that hear what one of them has stored.

        On PostgreSQL by a lock of the connection that writes, so that whoever loses the one has lost the other, and takes both
        again. Raises AlreadyOpen.
        """
        if self._engine.dialect.name == "postgresql":
            lock = f"pg_try_advisory_lock{'_shared' if shared else ''}(7306084)"
            self._take = f"SELECT {lock}, set_config('plan_cache_mode', 'auto', false)"
            self._connection = self._connect(HOLD_TRIES)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    def let_go(self) -> None:
        """Close the connection, and with it give back the hold on the database."""
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()

    def _connect(self, tries: int = TAKE_BACK_TRIES) -> Connection:
        connection = self._engine.connect()
        try:
            for _ in range(tries if self._take else 0):
                taken = connection.exec_driver_sql(self._take).scalar()
                connection.commit()
                if taken:
                    break
                time.sleep(HOLD_SECONDS)
            else:
                if self._take:
                    raise AlreadyOpen(str(self._engine.url.database))
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        return connection

    def append(self, entry: Entry) -> asyncio.Future[Appended]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Appended] = loop.create_future()
        if self._waiting >= QUEUED_POSTS:
            future.set_exception(Unavailable("too many messages are waiting to be stored"))
            return future
        self._waiting += 1
        # What arrives within one turn of the loop goes over to the thread in one piece: each hand-over costs a lock.
        if not self._gathered:
            loop.call_soon(self._hand_over)
        self._gathered.append((entry, future))
        self._watch(loop, future)
        return future

    def act(self, act: Callable[[Connection], T]) -> asyncio.Future[T]:
        self._hand_over()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((act, future))
        self._watch(loop, future)
        return future

    def _watch(self, loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any]) -> None:
        """See to it that ``future`` is answered in time. One timer serves all, since one each would cost more than it guards."""
        if not self._due:
            loop.call_later(WATCH_SECONDS, self._check, loop)
        self._due.append((loop.time() + ANSWER_SECONDS, future))

    def _check(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._due and (self._due[0][1].done() or self._due[0][0] <= now):
            _, future = self._due.popleft()
            if not future.done():
                # It may still be stored; who sends it again under the same client id learns so.
                future.set_exception(Unavailable("the database does not answer"))
        if self._due:
            loop.call_later(WATCH_SECONDS, self._check, loop)

    def _hand_over(self) -> None:
        if self._gathered:
            self._jobs.put(self._gathered)
            self._gathered = []

    def _run(self) -> None:
        held: _Act | None = None
        while True:
            job = held or self._jobs.get()
            held = None
            if job is None:
                break
            if isinstance(job, tuple):
                self._carry_out(job)
                continue
            posts = job
            while len(posts) < BATCH_POSTS:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if isinstance(following, list):
                    posts += following
                    continue
                if following is None:
                    self._jobs.put(None)
                else:
                    held = following
                break
            self._store(posts)

    def _store(self, posts: list[_Post]) -> None:
        wanted: list[_Post] = []
        late: list[_Post] = []
        for post in posts:
            (late if _told_already(post[1]) else wanted).append(post)
        if late:
            late[0][1].get_loop().call_soon_threadsafe(self._answer, late, [None] * len(late))
        if wanted:
            self._store_all(wanted)

    def _store_all(self, posts: list[_Post]) -> None:
        try:
            entries = [entry for entry, _ in posts]
            if stored := sum(not entry.refused for entry in entries):
                COMMIT_MESSAGES.observe(stored)
            results: list[Any] = list(self.transact(lambda connection: log.append_posts(connection, entries)))
        except Exception as problem:
            # An outage is everybody's; anything else is the doing of one message and must not take its neighbours along.
            if len(posts) > 1 and not _outage(problem):
                for post in posts:
                    self._store_all([post])
                return
            results = [_told(problem)] * len(posts)
        loop = posts[0][1].get_loop()
        loop.call_soon_threadsafe(self._answer, posts, results)

    def transact(self, act: Callable[[Connection], T]) -> T:
        """Run ``act`` in a transaction, in the thread that calls: the writer's own, once it has been started."""
        if self._connection is None:
            self._connection = self._connect()
        try:
            with COMMIT_SECONDS.time(), self._connection.begin():
                self._plan_anew(self._connection)
                result = act(self._connection)
                failpoints.reached("before_commit")
            failpoints.reached("after_commit")
            self.state = "ready"
            return result
        except DBAPIError as problem:
            match translate(problem):
                case StorageFull():
                    self.state = "full"
                case ReadOnly():
                    self.state = "read only"
                case _:
                    self.state = "ready"
            if _outage(problem):
                self._begin_anew()
            raise

    def _plan_anew(self, connection: Connection) -> None:
        """The plans of what is written all the time are kept, but not for long: planning takes as long as a small batch."""
        if self._take and time.monotonic() - self._planned > PLANS_SECONDS:
            connection.exec_driver_sql("DISCARD PLANS")
            self._planned = time.monotonic()

    def _begin_anew(self) -> None:
        """Whatever it was, the next one starts with a connection that is known to be well."""
        assert self._connection is not None
        if self._take:
            # Not back to the pool: the hold on the database would stay with it, and so would a server that is no primary any more.
            self._connection.invalidate()
        self._connection.close()
        self._connection = None

    def _answer(self, posts: list[_Post], results: list[Any]) -> None:
        self._waiting -= len(posts)
        for (_, future), result in zip(posts, results, strict=True):
            _settle(future, result)

    def _carry_out(self, job: _Act) -> None:
        act, future = job
        if _told_already(future):
            return
        try:
            result = self.transact(act)
        except Exception as problem:
            result = _told(problem)
        future.get_loop().call_soon_threadsafe(_settle, future, result)


_Post = tuple[Entry, "asyncio.Future[Appended]"]
_Act = tuple[Callable[[Connection], Any], "asyncio.Future[Any]"]


def _told_already(future: asyncio.Future[Any]) -> bool:
    """Whether it was answered in place of the database, which was too slow. Who hung up meanwhile still wants it to be done."""
    return future.done() and not future.cancelled()


def _outage(problem: Exception) -> bool:
    """Whether the database failed, and not what was asked of it."""
    failed = isinstance(problem, DBAPIError | PoolTimeout | AlreadyOpen)
    return failed and not isinstance(problem, IntegrityError | DataError)


def _told(problem: Exception) -> Exception:
    if isinstance(problem, AlreadyOpen):
        logger.error("write failed: another server has taken the database meanwhile")
        return Unavailable(str(problem))
    if isinstance(problem, DBAPIError | PoolTimeout):
        logger.error("write failed: %s", type(getattr(problem, "orig", problem)).__name__)
        return translate(problem)
    return problem


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)


def _engine(url: URL, *, writes: bool, read_seconds: float = 0, role: str = "") -> Engine:
    """``read_seconds`` ends what reads from SQLite for longer than that, as PostgreSQL does by itself; 0 for no limit."""
    if url.get_backend_name() == "postgresql":
        return _postgresql(url, role)
    if sqlite3.sqlite_version_info < (3, 38):
        raise StorageError(f"SQLite 3.38 or later is needed; this Python has {sqlite3.sqlite_version}")
    engine = create_engine(url, connect_args={"check_same_thread": False, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_MS}", "foreign_keys=ON",
                       "trusted_schema=OFF", "cell_size_check=ON", "wal_autocheckpoint=1000",
                       f"journal_size_limit={WAL_BYTES}", f"query_only={'OFF' if writes else 'ON'}"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        if read_seconds:
            # While somebody reads, the write-ahead log only grows.
            connection.set_progress_handler(lambda: time.monotonic() > record.info["until"], PROGRESS_STEPS)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A deferred transaction that reads first and writes later fails at once when another wrote in between.
        connection.info["until"] = time.monotonic() + (read_seconds or math.inf)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL, role: str) -> Engine:
    settings: dict[str, object] = {
        "statement_timeout": STATEMENT_MS, "lock_timeout": LOCK_MS, "idle_in_transaction_session_timeout": IDLE_MS,
        "client_connection_check_interval": 500,
        # A plan that is kept from when a table was empty reads all of it when it is not.
        "plan_cache_mode": "force_custom_plan",
        # The other end, too, has to notice that this one is gone: it holds the database until then.
        "tcp_keepalives_idle": 2, "tcp_keepalives_interval": 1, "tcp_keepalives_count": 2, "tcp_user_timeout": 4_000,
    }  # fmt: skip
    if role:
        settings["role"] = role
    return create_engine(
        url, pool_size=READERS + 1, max_overflow=0, pool_timeout=POOL_SECONDS, pool_pre_ping=True,
        pool_recycle=POOL_RECYCLE_SECONDS,
        connect_args={"connect_timeout": CONNECT_SECONDS,
                      "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
                      "application_name": f"tertulia {socket.gethostname()[:40]} {os.getpid()}",
                      "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 2, "tcp_user_timeout": 4_000},
    )  # fmt: skip


def _lock(url: URL) -> int:
    path = Path(f"{url.database}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise AlreadyOpen(str(url.database)) from None
    return file


def _epoch(connection: Connection) -> str:
    """Names this history: a database restored from a backup gets another, so that no client trusts numbers given twice."""
    found = connection.execute(select(tables.meta.c.value).where(tables.meta.c.key == "epoch")).scalar()
    if found is None:
        found = os.urandom(8).hex()
        connection.execute(insert(tables.meta).values(key="epoch", value=found))
    return str(found)
