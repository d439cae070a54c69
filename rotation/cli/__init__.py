"""``lockstep``, the command line. Needs the ``cli`` extra (typer and rich); nothing else of Lockstep imports it."""

from __future__ import annotations

import sys

from rotation.cli.exit_codes import INTERRUPTED, NEEDS_HUMAN
from rotation.core.errors import MissingExtra
from rotation.core.process.output import shelter_output
from rotation.core.process.stop import Halted, deafen, heeding, leave

_EXTRA = frozenset({"typer", "rich"})


def main() -> None:
    """Run the command line and leave with its exit code; see ``exit_codes``."""
    shelter_output()
    with heeding():
        try:
            code = _run()
        except (Halted, KeyboardInterrupt):  # by one more signal, while the error was shown
            deafen()
            sys.stderr.write("interrupted\n")
            code = INTERRUPTED
        leave(code)


def _run() -> int:
    try:
        from rotation.cli.app import run
    except ModuleNotFoundError as missing:
        package = (missing.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        sys.stderr.write(
            f"error: missing_extra: the command line needs {package}, which is not installed\n"
            f"  hint: {MissingExtra.default_hint}\n"
        )
        return NEEDS_HUMAN
    return run(sys.argv[1:])
