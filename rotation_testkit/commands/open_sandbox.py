"""The embedded world as the commands open it. The kit is imported only when a command needs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rotation.cli.exit_codes import needs_extra

if TYPE_CHECKING:
    from rotation_testkit.sandbox.sandbox import World


@contextmanager
def embedded(**choices: Any) -> Iterator[World]:  # noqa: ANN401 - passed on to rotation_testkit.sandbox.sandbox.world
    """Start the embedded world and stop it at the end of the block; see ``rotation_testkit.sandbox.sandbox.world``.

    Raises:
        MissingExtra: the ``testing`` extra is not installed.
    """
    try:
        from rotation_testkit.sandbox.sandbox import world
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("rotation"):
            raise
        failure = needs_extra(missing, "testing")
    else:
        with world(**choices) as started:
            yield started
        return
    raise failure
