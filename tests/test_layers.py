"""Each folder imports only from those to its left, and from outside only what it declares here."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("rules", "policies", "storage", "moderation", "desk", "realtime", "server")
TOOLS = ("bench", "training")  # stand beside the house: they may use all of it, and nothing may use them

# What each folder may use of other people's packages: a package, or one name of it.
OUTSIDE = {
    "rules": {"ahocorasick_rs", "emoji", "msgspec", "phonenumbers", "re2"},
    "policies": {"msgspec"},
    "storage": {"alembic", "msgspec", "prometheus_client", "psycopg", "sqlalchemy"},
    "moderation": {"detoxify", "msgspec", "numpy", "sqlalchemy.Connection", "torch", "transformers"},
    "desk": {"msgspec", "sqlalchemy"},
    "realtime": {"jwt", "msgspec", "prometheus_client", "redis", "sqlalchemy.Connection", "uvicorn", "websockets"},
    "server": {
        "argon2", "authlib", "click", "cryptography", "httpx", "joserfc", "msgspec", "prometheus_client", "starlette",
        "uvicorn", "uvloop",
        "sqlalchemy.Connection", "sqlalchemy.create_engine", "sqlalchemy.exc", "sqlalchemy.text",
    },
    "bench": {
        "click", "detoxify", "msgspec", "sqlalchemy.Connection", "torch", "transformers", "uvloop", "websockets",
    },
    "training": {"click", "msgspec", "numpy", "scipy", "sklearn"},
}  # fmt: skip
# They decide by what they are given; the only I/O is reading tables of their own.
PURE = ("rules", "policies")
IMPURE = {
    "asyncio", "datetime", "http", "logging", "multiprocessing", "os", "random", "secrets", "selectors", "shutil",
    "signal", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
# The name to import where it differs from the name to install.
IMPORTED_AS = {
    "pyjwt": "jwt", "ahocorasick-rs": "ahocorasick_rs", "google-re2": "re2", "scikit-learn": "sklearn", "argon2-cffi": "argon2",
    "prometheus-client": "prometheus_client",
}  # fmt: skip


def modules(folder: str) -> list[Path]:
    """All source files of a folder; what the peers of the bench run is installed for itself."""
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "peers" not in path.relative_to(ROOT).parts)


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything that a source imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise AssertionError(f"line {node.lineno}: a relative import hides which folder it reaches into")
            assert node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name in ("__import__", "import_module"):
                target = node.args[0]
                if not (isinstance(target, ast.Constant) and isinstance(target.value, str)):
                    raise AssertionError(f"line {node.lineno}: an import by a computed name cannot be checked")
                yield node.lineno, target.value


def wrong_arrows(folder: str, source: str) -> list[str]:
    """What a source in ``folder`` imports although it may not, as ``line: name``."""
    left = (*FOLDERS, folder) if folder in TOOLS else FOLDERS[: FOLDERS.index(folder) + 1]
    allowed = {*left, *OUTSIDE[folder]}
    wrong = []
    for line, name in imports(source):
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names:
            impure = top in IMPURE or any(name == word or name.startswith(word + ".") for word in IMPURE)
            if folder in PURE and impure:
                wrong.append(f"{line}: {name}")
        elif not any(name == word or name.startswith(word + ".") for word in allowed):
            wrong.append(f"{line}: {name}")
    return wrong


@pytest.mark.parametrize("folder", [*FOLDERS, *TOOLS])
def test_a_folder_imports_only_leftwards(folder: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{arrow}"
        for path in modules(folder)
        for arrow in wrong_arrows(folder, path.read_text())
    ]
    assert not wrong


def test_every_folder_has_source() -> None:
    assert all(modules(folder) for folder in FOLDERS)


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("rules", "import policies"),
        ("rules", "from policies.decision import Verdict"),
        ("rules", "def f():\n    import storage.log"),
        ("rules", "import importlib\nimportlib.import_module('server.app')"),
        ("rules", "import socket"),
        ("policies", "from datetime import datetime"),
        ("policies", "from urllib import request"),
        ("storage", "if False:\n    from realtime import hub"),
        ("moderation", "import sqlalchemy"),
        ("realtime", "from sqlalchemy import select"),
        ("realtime", "import requests"),
        ("realtime", "import tests.conftest"),
        ("server", "import bench"),
        ("bench", "from training import corpus"),
    ],
)
def test_a_wrong_arrow_is_seen(folder: str, source: str) -> None:
    assert wrong_arrows(folder, source)


@pytest.mark.parametrize(
    ("folder", "source"),
    [
        ("policies", "from rules.types import Finding\nimport tomllib"),
        ("server", "from realtime.hub import Hub\nimport asyncio\nimport click"),
        ("rules", "from urllib.parse import urlsplit\nimport unicodedata"),
    ],
)
def test_a_right_arrow_passes(folder: str, source: str) -> None:
    assert not wrong_arrows(folder, source)


def test_what_a_folder_may_use_is_declared_for_installation() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    requirements = project["dependencies"] + extras["scale"] + extras["oidc"] + extras["detoxify"] + extras["training"]
    names = {requirement.partition(";")[0].partition(">")[0].partition("[")[0].strip() for requirement in requirements}
    installed = {IMPORTED_AS.get(name, name) for name in names}
    assert {word.partition(".")[0] for words in OUTSIDE.values() for word in words} <= installed
