"""Pytest fixtures: real OpenBao servers for each worker that needs them, and a folder of its own for each test."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rotation_testkit.doubles.vault.kv2 import ServedKv
    from rotation_testkit.doubles.vault.openbao import OpenBao


@pytest.fixture(scope="session")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """Yield a server in memory, without an audit device, with a KV version 2 engine at ``secret``."""
    from rotation_testkit.doubles.vault.kv2 import mounted
    from rotation_testkit.doubles.vault.openbao import OpenBao

    with OpenBao(tmp_path_factory.mktemp("openbao"), storage="inmem", audited=False) as server:
        mounted(server.client(), "secret")
        yield server


@pytest.fixture(scope="session")
def served(openbao: OpenBao) -> ServedKv:
    """Return the KV version 2 engine of the server in memory, for an operator."""
    from rotation_testkit.doubles.vault.kv2 import ServedKv

    return ServedKv(openbao.client(), "secret")


@pytest.fixture(scope="session")
def raft_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBao]:
    """Yield a server on raft that logs at trace, with a KV version 2 engine at ``secret``; tests use ``raft``."""
    from rotation_testkit.doubles.vault.kv2 import mounted
    from rotation_testkit.doubles.vault.openbao import OpenBao

    with OpenBao(tmp_path_factory.mktemp("raft")) as server:
        mounted(server.client(), "secret")
        yield server


@pytest.fixture
def raft(raft_server: OpenBao) -> Iterator[OpenBao]:
    """Yield the server on raft, which a test may kill: a restart takes no time, a new server takes seconds."""
    from rotation_testkit.doubles.vault.kv2 import ServedKv, until_it_serves

    yield raft_server
    if not raft_server.running:
        raft_server.start()
    until_it_serves(ServedKv(raft_server.client(), "secret"))


@pytest.fixture
def three_nodes(tmp_path: Path) -> Iterator[list[OpenBao]]:
    """Yield a raft cluster of three nodes that all vote; the first one leads at the beginning."""
    from rotation_testkit.doubles.vault.openbao import OpenBao

    with ExitStack() as stack:
        nodes: list[OpenBao] = []
        for number in range(3):
            home = tmp_path / f"node-{number}"
            home.mkdir()
            nodes.append(stack.enter_context(OpenBao(home, join=nodes[0] if nodes else None)))
        adapter, end = nodes[0].client().adapter, time.monotonic() + 100
        votes: list[bool] = []
        while votes != [True] * 3:
            if time.monotonic() > end:
                raise TimeoutError("the three nodes do not all vote")
            servers = adapter.get("/v1/sys/storage/raft/configuration")["data"]["config"]["servers"]
            votes = [each["voter"] for each in servers]
            time.sleep(0.1)
        yield nodes


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def corner(_numbers: Iterator[int]) -> str:
    """Return the name of a folder that no other test of this worker uses."""
    return f"corner-{next(_numbers)}"
