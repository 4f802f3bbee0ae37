"""What an operator can choose. The command line and the environment fill it; nothing else reads the environment."""

from __future__ import annotations

import msgspec


class Config(msgspec.Struct, frozen=True):
    """The settings of one server process. Times in seconds.

    ``database`` is ``sqlite:///path`` or ``postgresql://…``, and ``reader_role`` the role of PostgreSQL that reads, if any does;
    ``redis`` is empty for one process alone. ``policy`` is a file or the
    name of a shipped one. ``api_key`` is what the default tenant's backend signs in with; empty for one that is made and kept
    beside the database. ``origins`` are the web origins that may connect; none given, only the server's own.
    ``proxies`` are the addresses or networks whose ``X-Forwarded-For`` is believed; none given, whatever is not public.
    ``connections`` is how many WebSockets one process takes; another is told to come back.
    Without ``suggestions`` nobody is offered words to answer with.
    ``metrics`` is the ``host:port`` at which Prometheus is answered; empty for nowhere. ``log`` is ``text`` or ``json``.
    With an ``oidc_issuer`` the staff of the default tenant may sign in to the console by OpenID Connect; ``oidc_name`` is what the
    button says.
    ``detoxify`` is ``original``, ``unbiased``, ``multilingual`` or a checkpoint's path; empty for none. ``detoxify_config`` is the
    folder of its configuration and tokenizer; empty to ask the hub of Hugging Face, or its cache.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    database: str = "sqlite:///var/tertulia.db"
    reader_role: str = ""
    redis: str = ""
    policy: str = "marketplace"
    api_key: str = ""
    origins: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    demo: bool = False
    posts_per_second: float = 5.0
    posts_burst: int = 10
    connections_per_user: int = 20
    connections: int = 20_000
    drain_seconds: float = 3.0
    suggestions: bool = True
    metrics: str = ""
    log: str = "text"
    detoxify: str = ""
    detoxify_config: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name: str = "OpenID Connect"
