"""Log lines on standard error in the format of hclog, which the host reads: one JSON object each."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

_LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn", logging.ERROR: "error"}


class HclogFormatter(logging.Formatter):
    """Formats message and ``fields``; of an exception only the type, since its text may hold a value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a JSON object."""
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
    """Write the records of the loggers below ``root`` and no others: libraries may quote the values that they get."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(HclogFormatter())
    logger = logging.getLogger(root)
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG)  # the host filters by its own level
    logger.propagate = False
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    sys.excepthook = lambda kind, *_: logger.error("ended by %s", kind.__name__)
    return logger
