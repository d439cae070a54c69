"""Real OpenBao servers for each worker that needs them, and a corner of its own in them for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from rotation.testing.kv2 import ServedKv, mounted, until_it_serves
from rotation.testing.openbao import OpenBao


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server in memory that logs at trace, with a KV version 2 engine at ``secret``."""
    with OpenBao(tmp_path_factory.mktemp("openbao"), storage="inmem") as server:
        mounted(server.client(), "secret")
        yield server


@pytest.fixture(scope="session")
def raft_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server on raft that logs at trace, with a KV version 2 engine at ``secret``; see ``raft``."""
    with OpenBao(tmp_path_factory.mktemp("raft")) as server:
        mounted(server.client(), "secret")
        yield server


@pytest.fixture
def raft(raft_server: OpenBao) -> Iterator[OpenBao]:
    """The server on raft, which a test may kill: it takes seconds to make one and none to start it again."""
    yield raft_server
    if not raft_server.running:
        raft_server.start()
    until_it_serves(ServedKv(raft_server.client(), "secret"))


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
