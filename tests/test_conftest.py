"""The ground that the other tests stand on."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import httpx2
import pytest
import sqlalchemy
from playwright.async_api import Browser, Error

from tests.conftest import ROOT, collect_ignore


def test_the_run_reaches_nothing_but_this_machine() -> None:
    with pytest.raises(PermissionError), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))
    with pytest.raises(PermissionError):
        socket.getaddrinfo("example.com", 80)


def test_python_processes_started_by_tests_reach_nothing_but_this_machine() -> None:
    code = "import socket; socket.socket().connect(('192.0.2.1', 80))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "PermissionError: tests stay on this machine" in child.stderr


async def test_the_browser_reaches_nothing_but_this_machine(browser: Browser) -> None:
    page = await browser.new_page()
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        await page.goto("http://192.0.2.1/")
    await page.close()


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_has_a_database_of_its_own(database_url: str, time: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    with engine.begin() as connection:
        assert not sqlalchemy.inspect(connection).has_table("things")
        connection.execute(sqlalchemy.text("CREATE TABLE things (id INTEGER PRIMARY KEY)"))
    engine.dispose()


def test_redis_is_real_and_empty(redis_url: str) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_a_server_that_is_killed_comes_back_with_what_it_had(server_process: Any) -> None:
    with httpx2.Client(headers={"Authorization": f"Bearer {server_process.api_key}"}, trust_env=False) as platform:
        made = platform.post(f"{server_process.url}/v1/conversations", json={"id": "c1", "participants": []})
        assert made.status_code == 201
        server_process.kill()
        server_process.start()
        assert platform.get(f"{server_process.url}/v1/conversations/c1").json()["id"] == "c1"
    assert server_process.stop() == 0
    assert "Traceback" not in server_process.log


def test_what_the_run_of_all_tests_leaves_out_has_a_target_of_its_own() -> None:
    runs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "-m pytest" in line]
    named = {word for line in runs for word in line.split()}
    assert {f"tests/{path}" for path in collect_ignore} <= named
    assert all((ROOT / "tests" / path).exists() for path in collect_ignore)
