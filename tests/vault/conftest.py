"""A real OpenBao server for each worker that needs one, and a corner of its own in it for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from rotation.testing.kv2 import ServedKv, mounted
from rotation.testing.openbao import OpenBao


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server in memory that logs at trace, with a KV version 2 engine at ``secret``."""
    with OpenBao(tmp_path_factory.mktemp("openbao"), storage="inmem") as server:
        mounted(server.client(), "secret")
        yield server


@pytest.fixture(scope="session")
def _corners() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def corner(_corners: Iterator[int]) -> str:
    """A folder's name that no other test of this worker uses."""
    return f"corner-{next(_corners)}"


@pytest.fixture(scope="session")
def served(openbao: OpenBao) -> ServedKv:
    """The real engine, for an operator."""
    return ServedKv(openbao.client(), "secret")
