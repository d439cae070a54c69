"""The error of a command whose libraries are not installed.

The commands import the kit when they run: ``lockstep`` loads every command's module at each start, and the kit brings
servers along.
"""

from __future__ import annotations

from rotation.core.errors import InternalError, MissingExtra, RotationError, Withheld


def kit_imports() -> Withheld:
    """Return a context for imports of the kit, in which a missing library raises ``MissingExtra``."""
    return Withheld(ModuleNotFoundError, by=_explained)


def _explained(missing: ModuleNotFoundError) -> RotationError:
    if (missing.name or "").startswith("rotation"):
        return InternalError.of(missing)
    what = f"this command needs {missing.name}, which is not installed"
    return MissingExtra(what, hint="Run it in a checkout of Lockstep: `make demo` installs the kit into .venv.")
