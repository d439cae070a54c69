"""The pytest plug-in: the canary listens in every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rotation_testkit.canary.canary import Canary, listening


def pytest_configure(config: pytest.Config) -> None:
    """Listen in every test."""
    from rotation_testkit.canary.listener import CanaryListener

    CanaryListener.install(config)


@pytest.fixture
def canary(capfd: pytest.CaptureFixture[str]) -> Iterator[Canary]:
    """Listen during the whole test; fail it at its end when a guarded secret was seen."""
    made = Canary()

    def drain() -> None:
        for name, text in zip(("output", "error"), capfd.readouterr(), strict=True):
            made.text(f"standard {name}", text)

    made.drain = drain
    with listening(made):
        yield made
    made.verify()
