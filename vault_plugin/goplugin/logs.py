"""Log lines as the host reads them from standard error: one JSON object each, as hclog writes them."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn", logging.ERROR: "error"}


class HclogFormatter(logging.Formatter):
    """Writes message and ``fields``; of an exception only the type, since its text may hold a value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one JSON object."""
        at = datetime.fromtimestamp(record.created, UTC)
        entry: dict[str, object] = {
            "@level": _LEVELS.get(record.levelno, "error"),
            "@message": record.getMessage(),
            "@module": record.name,
            "@timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        if record.exc_info and record.exc_info[0] is not None:
            entry["exception"] = record.exc_info[0].__name__
        return json.dumps(entry | dict(getattr(record, "fields", {})))


def set_up(root: str) -> logging.Logger:
    """Let the loggers below ``root`` speak, and nobody else: what libraries have to say may quote what they were given.

    Returns:
        The logger of that name.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HclogFormatter())
    logger = logging.getLogger(root)
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG)  # the host drops what its own level does not want
    logger.propagate = False
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    sys.excepthook = lambda kind, *_: logger.error("ended by %s", kind.__name__)
    return logger
