"""What an operator sees from outside: the numbers for Prometheus, and a log without anybody's words."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server import logs, metrics
from tests.conftest import free_port
from tests.platform import Platform, new_tenant

WORDS = "unas palabras que nadie debe encontrar en un registro"


async def test_prometheus_is_told_what_happens_and_no_log_what_was_said(serve: Callable[..., Any]) -> None:
    port = free_port()
    server = serve(TERTULIA_METRICS=f"127.0.0.1:{port}", TERTULIA_LOG="json")
    database = server.environment["TERTULIA_DATABASE"]
    platform = Platform(server.url, server.ws_url, new_tenant(database, "t"))
    chat = await platform.open("ana:buyer", "luis:seller")
    ana = await platform.connect("ana")
    await ana.post(chat, WORDS)
    await ana.post(chat, "llámame al 612 345 678")
    await ana.post("no such chat", WORDS)
    await ana.send(type="post", ref="x", text=WORDS)
    async with httpx2.AsyncClient(trust_env=False) as http:
        told = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
        assert (await http.get(f"{server.url}/metrics")).status_code == 404, "participants' network does not reach them"
    for line in (
        'tertulia_commands_total{command="post",outcome="allow"} 1.0',
        'tertulia_commands_total{command="post",outcome="policy"} 1.0',
        'tertulia_commands_total{command="post",outcome="not_found"} 1.0',
        "tertulia_post_seconds_count 3.0",
        "tertulia_connections 1.0",
        "tertulia_participants 1.0",
        "tertulia_conversations_held 1.0",
        "tertulia_commit_messages_count 1.0",
        "tertulia_broker_up 1.0",
        "tertulia_loop_lag_seconds ",
        "process_resident_memory_bytes ",
    ):
        assert line in told, line
    assert WORDS not in told
    await platform.leave()
    server.stop()
    for written in (WORDS, "612 345 678", platform.http.headers["Authorization"].split()[1]):
        assert written not in server.log


def test_a_json_log_is_one_object_a_line_and_quotes_no_exception() -> None:
    try:
        raise ValueError(WORDS)
    except ValueError as problem:
        record = logging.LogRecord(
            "tertulia.x", logging.ERROR, "", 1, "it %s", ("broke",), (type(problem), problem, problem.__traceback__)
        )
    record.conversation = "c1"
    written = logs.Lines().format(record)
    assert "\n" not in written
    entry = json.loads(written)
    assert (entry["level"], entry["message"], entry["exception"]) == ("error", "it broke", "ValueError")
    assert entry["conversation"] == "c1"
    assert entry["at"].rpartition(":")[0].endswith("test_metrics.py")
    assert WORDS not in written


@pytest.mark.parametrize(
    "value", ["9400", "localhost", "http://localhost:1", "localhost:x", "localhost:99999", "a@b:1", ":1"]
)
def test_an_address_that_is_none_is_told(value: str) -> None:
    with pytest.raises(ValueError, match=r"host:port|out of range|could not be cast"):
        metrics.address(value)


def test_an_address_in_use_ends_the_start_with_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        program = Path(sys.executable).parent / "tertulia"
        words = ("serve", "--port", "0", "--database", f"sqlite:///{tmp_path}/x.db", "--metrics", address)
        ended = subprocess.run([program, *words], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "in use" in ended.stderr.lower()
    assert "Traceback" not in ended.stderr
