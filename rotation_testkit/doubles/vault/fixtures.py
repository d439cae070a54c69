"""Real OpenBao servers for each worker that needs them, and a corner of its own in them for each test."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rotation_testkit.doubles.vault.kv2 import ServedKv, mounted, until_it_serves
from rotation_testkit.doubles.vault.openbao import OpenBao


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """A server in memory, without an audit device, with a KV version 2 engine at ``secret``."""
    with OpenBao(tmp_path_factory.mktemp("openbao"), storage="inmem", audited=False) as server:
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


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[list[OpenBao]]:
    """A raft cluster of three nodes that all vote; the first one leads at the beginning."""
    with ExitStack() as stack:
        nodes: list[OpenBao] = []
        for number in range(3):
            home = tmp_path / f"node-{number}"
            home.mkdir()
            nodes.append(stack.enter_context(OpenBao(home, join=nodes[0] if nodes else None)))
        adapter, end = nodes[0].client().adapter, time.monotonic() + 100
        votes: list[bool] = []
        while votes != [True] * 3:
            assert time.monotonic() < end, "three voters"
            servers = adapter.get("/v1/sys/storage/raft/configuration")["data"]["config"]["servers"]
            votes = [each["voter"] for each in servers]
            time.sleep(0.1)
        yield nodes


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
