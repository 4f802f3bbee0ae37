"""What tests stand on: real servers in private, started by the run that needs them and stopped by their process id.

A service that is missing fails the test that needs it; nothing is skipped. ``make test`` installs what is missing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from playwright.async_api import Browser, async_playwright

if TYPE_CHECKING:
    import psycopg

pytest_plugins = ["tests.platform"]

# What `make test-peers` and `make test-detoxify` run by name: it needs other people's servers, or a gigabyte of libraries.
collect_ignore = ["bench/test_peers.py", "moderation/deep/test_checkpoint.py", "moderation/deep/test_scorer.py"]


ROOT = Path(__file__).resolve().parent.parent
OFFLINE = Path(__file__).parent / "offline"

# Shared machines stall for longer than any deadline that would mean something.
hypothesis.settings.register_profile("tertulia", deadline=None, print_blob=True)
hypothesis.settings.load_profile("tertulia")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What a run can be told."""
    parser.addoption("--seed", type=int, default=1, help="what chance in the tests of faults comes from; they print it")
    parser.addoption("--minutes", type=float, default=1, help="how long tests/faults/test_soak.py goes on")


def pytest_configure() -> None:
    """Keep the whole run on this machine, and every process of Python that it starts."""
    _run(OFFLINE / "sitecustomize.py")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")]))


def _run(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _program(*names: str, service: str) -> str:
    for name in names:
        found = shutil.which(name) or max(glob.glob(name), default=None)
        if found:
            return found
    pytest.fail(f"{names[0]} is not installed; run scripts/services {service}", pytrace=False)


class Process:
    """A program that runs beside the tests; its output goes to ``log``."""

    def __init__(self, command: list[str], log: Path, *, user: str | None = None, env: dict[str, str] | None = None):
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                group=user,
                env=env,
                cwd=ROOT,
            )
        self.pid = self._process.pid

    def wait_until(self, ready: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until ``ready`` says so. Fails with the end of the log when the program ends first or takes too long."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.end(signal.SIGKILL)
                output = self.log.read_text(errors="replace")[-4_000:]
                pytest.fail(f"{self._process.args!r} is not ready (exit {self._process.returncode}):\n{output}")
            time.sleep(0.02)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this very process."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 20) -> int:
        """Stop it, by force if it does not follow in time, and return its exit status (negative: the signal)."""
        self._process.send_signal(number)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _listens(port: int) -> Callable[[], bool]:
    def check() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    return check


# ---------------------------------------------------------------------------------------------------- databases


class PostgresServer:
    """A PostgreSQL of our own on a free port. Every test gets a database of its own, copied from a template."""

    def __init__(self, folder: Path, *, lasting: bool = False) -> None:
        self._folder, self._lasting = folder, lasting
        self._binaries = binaries = (
            Path(_program("postgres", "/usr/lib/postgresql/*/bin/postgres", service="postgresql")).resolve().parent
        )
        # The server refuses to run as root; its package brings a user for it.
        self._user = user = "postgres" if os.geteuid() == 0 else None
        if user:
            shutil.chown(folder, user, user)
        data = folder / "data"
        self.port = free_port()
        make = ["initdb", "--pgdata", str(data), "--username", "postgres", "--auth", "trust", "--no-sync"]
        encoding = ["--encoding", "UTF8", "--locale", "C.UTF-8"]
        subprocess.run(
            [*make, *encoding], executable=binaries / "initdb", check=True, capture_output=True, user=user, group=user
        )
        self._made = 0
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": 100,
        }
        if not self._lasting:
            # Nobody loses anything when the machine that runs the tests loses power.
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        program, data = str(self._binaries / "postgres"), str(self._folder / "data")
        self.process = Process([program, "-D", data, *options], self._folder / "log", user=self._user)
        self.process.wait_until(self._accepts)

    def url(self, database: str = "postgres") -> str:
        """The URL of a database of this server, as an operator would write it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template0") -> str:
        """The name of a new database: empty, or with what ``template`` holds."""
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """All of it stands still meanwhile, as on a machine that hangs."""
        main = self.process.pid
        os.kill(main, signal.SIGSTOP)
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        pids = [*(int(pid) for pid in children), main]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def drop(self, name: str) -> None:
        """Delete a database, whoever is still connected."""
        self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def execute(self, statement: str, database: str = "postgres") -> None:
        """Run a statement as the server's administrator."""
        with self._connection(database) as connection:
            connection.execute(statement.encode())

    def _connection(self, database: str) -> psycopg.Connection:
        import psycopg

        return psycopg.connect(host="127.0.0.1", port=self.port, user="postgres", dbname=database, autocommit=True)

    def _accepts(self) -> bool:
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A private PostgreSQL for the whole run."""
    # Not under pytest's folder: that is closed to the other user that the server may have to run as.
    with tempfile.TemporaryDirectory(prefix="tertulia-postgres-") as folder:
        server = PostgresServer(Path(folder))
        yield server
        server.process.end(signal.SIGINT)


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL that the tests of a module may do anything to, and that keeps what it has said to have kept."""
    with tempfile.TemporaryDirectory(prefix="tertulia-postgres-") as folder:
        server = PostgresServer(Path(folder), lasting=True)
        yield server
        server.process.end(signal.SIGINT)


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a database that has our tables and nothing in them."""
    from storage.database import migrate

    name = postgres_server.create()
    migrate(postgres_server.url(name))
    postgres_server.execute("CREATE ROLE tertulia_reader NOLOGIN")
    postgres_server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO tertulia_reader", name)
    return name


@pytest.fixture
def postgres_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database that only this test uses, with our tables and nothing in them."""
    name = postgres_server.create(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop(name)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'tertulia.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A database without anybody's words, once for each kind that the service runs on: one contract, two databases.

    The one of PostgreSQL has our tables already, which saves a third of a second; see ``empty_database_url``.
    """
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database in which there is nothing at all yet, once for each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_url")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


class RedisServer:
    """A private Redis. It may be frozen, stopped and started again on the same port, with nothing in it."""

    def __init__(self, folder: Path, **options: object) -> None:
        self.folder = folder
        self.options = {f"--{name.replace('_', '-')}": value for name, value in options.items()}
        # The nodes of a cluster talk to each other ten thousand ports further up.
        self.port = next(port for port in iter(free_port, 0) if port < 55_000)
        self.start()

    def ask(self, *words: object) -> Any:
        """What it answers to a command."""
        from redis import Redis

        with Redis(port=self.port, decode_responses=True) as client:
            return client.execute_command(*words)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        program = os.environ.get("REDIS_SERVER") or _program("redis-server", service="redis")
        options = {"--port": self.port, "--bind": "127.0.0.1", "--save": "", "--appendonly": "no", "--dir": self.folder}
        words = [str(word) for pair in (options | self.options).items() for word in pair]
        self.process = Process([program, *words], self.folder / "log")
        self.process.wait_until(_listens(self.port))


class RedisCluster:
    """Three private Redis that are one cluster, without replicas."""

    def __init__(self, folders: list[Path]) -> None:
        self.nodes = []
        for folder in folders:
            self.nodes.append(
                RedisServer(
                    folder, cluster_enabled="yes", cluster_config_file="nodes.conf", cluster_node_timeout=2_000,
                    cluster_require_full_coverage="no",
                )
            )  # fmt: skip
        edges = [16_384 * n // len(folders) for n in range(len(folders) + 1)]
        for number, node in enumerate(self.nodes):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            node.ask("CLUSTER", "ADDSLOTS", *range(edges[number], edges[number + 1]))
            if number:
                node.ask("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)
        deadline = time.monotonic() + 60
        while not all(self._whole(node) for node in self.nodes):
            assert time.monotonic() < deadline, "the cluster does not come together"
            time.sleep(0.05)

    @property
    def url(self) -> str:
        """Where it is, as an operator would write it."""
        return f"redis://{','.join(f'127.0.0.1:{node.port}' for node in self.nodes)}/0"

    def has(self, key: str) -> RedisServer:
        """The node that a key is on."""
        slot = self.nodes[0].ask("CLUSTER", "KEYSLOT", key)
        for first, last, master, *_ in self.nodes[0].ask("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == master[1])
        raise AssertionError(f"nobody has slot {slot}")

    def _whole(self, node: RedisServer) -> bool:
        told = node.ask("CLUSTER", "INFO")
        told = told if isinstance(told, str) else "\n".join(f"{name}:{value}" for name, value in told.items())
        return "cluster_state:ok" in told and "cluster_slots_assigned:16384" in told


@pytest.fixture(scope="session")
def redis_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    """A cluster of three Redis for the whole run."""
    cluster = RedisCluster([tmp_path_factory.mktemp("redis") for _ in range(3)])
    yield cluster
    for node in cluster.nodes:
        node.process.end()


@pytest.fixture
def redis_cluster_url(redis_cluster: RedisCluster) -> str:
    """The URL of a cluster that holds nothing."""
    for node in redis_cluster.nodes:
        node.ask("FLUSHALL")
    return redis_cluster.url


@pytest.fixture(params=["one", "cluster"])
def any_redis_url(request: pytest.FixtureRequest) -> str:
    """A Redis that holds nothing, once alone and once a cluster."""
    url: str = request.getfixturevalue("redis_url" if request.param == "one" else "redis_cluster_url")
    return url


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis for the whole run."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.process.end()


@pytest.fixture
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis that one test may do anything to."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.process.end(signal.SIGKILL)


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The URL of a Redis that holds nothing."""
    with socket.create_connection(("127.0.0.1", redis_server.port), timeout=5) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        assert connection.recv(64) == b"+OK\r\n"
    return redis_server.url


# --------------------------------------------------------------------------------------------------- the server


@dataclasses.dataclass
class Server:
    """``tertulia serve`` as a process of its own. It may be stopped, killed and started again on the same database."""

    folder: Path
    arguments: tuple[str, ...]
    environment: dict[str, str]
    port: int = dataclasses.field(default_factory=free_port)
    process: Process | None = None

    @property
    def api_key(self) -> str:
        """What the platform's back end signs in with."""
        return self.environment["TERTULIA_API_KEY"]

    @property
    def url(self) -> str:
        """Where its pages and its API are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Where its chat is."""
        return f"ws://127.0.0.1:{self.port}/v1/ws"

    @property
    def log(self) -> str:
        """All it has written so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    def start(self) -> Server:
        """Start it and wait until it says that it is ready."""
        program = str(Path(sys.executable).parent / "tertulia")
        command = [program, "serve", "--host", "127.0.0.1", "--port", str(self.port), *self.arguments]
        self.process = Process(command, self.folder / "server.log", env=self.environment)
        self.process.wait_until(self._healthy)
        return self

    def stop(self) -> int:
        """Ask it to finish, wait, and return its exit status."""
        process, self.process = self.process, None
        return process.end() if process else 0

    def kill(self) -> None:
        """Take it away without a word, as a crash of the machine would."""
        process, self.process = self.process, None
        if process:
            process.end(signal.SIGKILL)

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _healthy(self) -> bool:
        import httpx2

        try:
            return httpx2.get(f"{self.url}/health", timeout=5, trust_env=False).status_code == 200
        except httpx2.TransportError:
            return False


@contextlib.contextmanager
def _servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    with contextlib.ExitStack() as servers:

        def start(*arguments: str, **environment: str) -> Server:
            folder = tmp_path_factory.mktemp("server")
            inherited = {name: value for name, value in os.environ.items() if not name.startswith("TERTULIA_")}
            defaults = {
                "TERTULIA_DATABASE": f"sqlite:///{folder / 'tertulia.db'}",
                "TERTULIA_API_KEY": secrets.token_urlsafe(32),
            }
            server = Server(folder, arguments, inherited | defaults | environment)
            return servers.enter_context(server)

        yield start


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Starts servers, as ``serve("--demo", TERTULIA_DATABASE=url)``; each has a SQLite file unless told otherwise."""
    with _servers(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Like ``serve``, for servers that many tests share until the end of the run."""
    with _servers(tmp_path_factory) as start:
        yield start


@pytest.fixture
def server_process(serve: Callable[..., Server]) -> Server:
    """A server as it comes, ready."""
    return serve()


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, started once. It reaches this machine only."""
    program = _program("chromium", "chromium-browser", "google-chrome", service="chromium")
    flags = [
        "--no-sandbox",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ]
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=program, args=flags)
        yield chromium
        await chromium.close()
