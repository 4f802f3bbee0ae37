"""A table of the report that is not one of servers taking turns: its title, its columns, its rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class Section(msgspec.Struct, frozen=True):
    """Cells are shown as they are."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def lines(self) -> list[str]:
        """The table in Markdown."""
        head = f"| {' | '.join(self.columns)} |"
        rule = f"|{'---|' * len(self.columns)}"
        return ["", f"**{self.title}**", "", head, rule, *(f"| {' | '.join(row)} |" for row in self.rows)]
