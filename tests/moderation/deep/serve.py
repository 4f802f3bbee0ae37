"""`tertulia`, with the deep process of the tests in the place of Detoxify: ``--detoxify`` names its behaviour."""

from __future__ import annotations

import sys
from unittest.mock import patch

from server.cli import main


def scorer(source: str, folder: str = "") -> list[str]:
    return [sys.executable, "-m", "tests.moderation.deep.scorer", source]


if __name__ == "__main__":
    with patch("server.app.detoxify", scorer):
        main()
