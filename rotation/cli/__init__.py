"""``lockstep``, the command line. Needs the ``cli`` extra (typer and rich); nothing else of Lockstep imports it."""

from __future__ import annotations

import io
import sys

from rotation.core.errors import MissingExtra

_EXTRA = frozenset({"typer", "rich"})


def main() -> None:
    """Run the command line and leave with its exit code: 0 done, 1 failed, 2 wrong usage, 3 parked."""
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
        sys.exit(1)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Vendors' names have characters that some terminals cannot show.
            stream.reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))
