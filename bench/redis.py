"""A Redis server of one's own: empty, on a free port, nothing on disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time

from bench.postgres import STARTING_SECONDS, free_port


class Redis:
    """Raises FileNotFoundError when no Redis is installed, RuntimeError when it does not start."""

    def __init__(self) -> None:
        program = shutil.which("redis-server")
        if program is None:
            raise FileNotFoundError("no redis-server: Redis is not installed")
        self.port = free_port()
        self.process = subprocess.Popen(
            [program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        until = time.monotonic() + STARTING_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("Redis did not start") from None
                time.sleep(0.02)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(STARTING_SECONDS)
