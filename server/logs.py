"""The log: on stderr, a line an entry, without anybody's words or tokens."""

from __future__ import annotations

import json
import logging
import time

_OURS = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


class Lines(logging.Formatter):
    """JSON, one object a line: time (UTC), level, logger, message, and what the entry brings along by ``extra``.

    Of an exception only its type and place: its words may quote a message.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One entry."""
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= {key: value for key, value in record.__dict__.items() if key not in _OURS}
        if record.exc_info and record.exc_info[0] is not None:
            trace = record.exc_info[2]
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            entry["exception"] = record.exc_info[0].__name__
            if trace is not None:
                entry["at"] = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        return json.dumps(entry, ensure_ascii=False, default=str)


def configure(style: str) -> None:
    """Write all logs as ``text`` or ``json``."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        Lines() if style == "json" else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("tertulia").setLevel(logging.INFO)
