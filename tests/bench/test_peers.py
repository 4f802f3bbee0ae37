"""The peers, as they are measured but in small. ``make test-peers`` installs them; ``make test`` leaves this file out."""

from collections.abc import Callable

import pytest

from bench import servers
from bench.hub import Case, Length, measure
from bench.servers import Server

TEXTS = ["Is the bike still available?", "¿Sigue disponible?", "write to me at ana@example.org", "what the fuck"]


@pytest.mark.parametrize(
    ("peer", "judges"),
    [
        (servers.marketplace, True),
        (servers.marketplace_nodes, True),
        (servers.node_ws, False),
        (servers.uwebsockets, False),
        (servers.floor, False),
    ],
)
def test_a_peer_does_what_it_is_measured_for(peer: Callable[[], Server], judges: bool) -> None:
    cases = [Case("small", 2, 4, 1), Case("small", 2, 4, 2)]
    for result in measure([peer], cases, TEXTS, Length(rounds=1, seconds=0.3, warm_up=0.1)):
        (only,) = result.rounds
        assert only.deliveries == (only.messages - only.refused) * 4 > 0
        assert only.hub_us_per_message > 0
        assert (only.refused > 0) is judges
        assert (only.database_us_per_message > 0) is judges
