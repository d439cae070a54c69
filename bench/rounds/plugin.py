"""The measured plug-ins, which the server starts: ``python -m bench.rounds.plugin rotates|idles LOG``.

``rotates`` is the plug-in with a driver whose vendor answers at once. ``idles`` answers without doing anything, so the
time of its rounds is that of server, transport and protocol.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import rotation.drivers.vendors
from vault_plugin.database import __main__ as process
from vault_plugin.database.service import Database

DRIVERS = Path(__file__).parent / "instant"


class Idle(Database):
    """A plug-in that accepts every password and forgets it."""

    async def UpdateUser(self, stream: Any) -> None:  # noqa: ANN401, N802 - the protocol's
        """Note the time, and answer."""
        from vault_plugin.database.pb import database_pb2

        await stream.recv_message()
        with Path(sys.argv[-1]).open("a") as log:  # noqa: ASYNC230 - as the measured driver does
            log.write(f"{time.time()}\n")
        await stream.send_message(database_pb2.Nothing())


def main() -> None:
    """Serve as the plug-in that the first argument names."""
    os.environ["BENCH_LOG"] = sys.argv[-1]
    rotation.drivers.vendors.__path__.append(str(DRIVERS))
    if sys.argv[1] == "idles":
        process.Database = Idle  # type: ignore[attr-defined]  # the process makes the service by this name
    process.main()


if __name__ == "__main__":
    main()
