"""The process of the plug-in. Vault or OpenBao starts it, from a zipapp or as ``python -m vault_plugin.database``."""

from __future__ import annotations

import os
import sys

from rotation.core.process.library_logs import silence_libraries
from rotation.core.process.output import shelter_output
from vault_plugin.database import NAME, VERSION
from vault_plugin.database.service import Database
from vault_plugin.goplugin.handshake import Cookie
from vault_plugin.goplugin.server import MULTIPLEXED, Plugin, serve

COOKIE = Cookie("VAULT_DATABASE_PLUGIN", "926a0820-aea2-be28-51d6-83cdf00e8edb")
PROTOCOLS = frozenset({5, MULTIPLEXED})
_SET_DUMPABLE = 4
"""``PR_SET_DUMPABLE`` of prctl(2)."""


def main() -> None:
    """Serve until the host ends the process. Never return: a call that hangs in a thread must not keep the process."""
    shelter_output()
    silence_libraries()
    _forbid_dumps()
    plugin = Plugin(
        cookie=COOKIE,
        protocols=PROTOCOLS,
        version=VERSION,
        logger=NAME,
        services=lambda: [Database(NAME)],
        network="tcp" if "--tcp" in sys.argv[1:] else "unix",
    )
    code = serve(plugin)
    sys.stderr.flush()
    os._exit(code)


def _forbid_dumps() -> None:
    """Keep other processes of this user from reading this one's memory, and its memory out of core files (Linux)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)


if __name__ == "__main__":
    main()
