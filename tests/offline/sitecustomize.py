"""Keeps a Python process on this machine, so that no library goes online unseen.

Loaded by the test run itself, and through PYTHONPATH by each Python process that it starts. An audit hook cannot be
taken back, and sees whatever passes through Python's own sockets.
"""

import sys

_LOOPBACK = ("127.", "::1", "localhost")


def _stay(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        # An address that is no tuple is a Unix socket's path, or a netlink number.
        host = address[0] if isinstance(address, tuple) and address else ""
    elif event == "socket.getaddrinfo":
        host = arguments[0] or ""
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if isinstance(host, str) and host and not host.startswith(_LOOPBACK):
        raise PermissionError(f"tests stay on this machine: {event} to {host!r}")


sys.addaudithook(_stay)
