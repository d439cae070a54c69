"""Vendors and their secrets in KV, on the model and on the real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rotation.cli.app import run as lockstep
from rotation.core.secret import Secret
from rotation_testkit.doubles.vault.kv2 import Kv2, ServedKv
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.processes.mortal_job import MortalJob, start_fork_server
from rotation_testkit.sandbox.vault_sandbox import VaultWorld, vault_world
from vault_plugin.job.kv_rotation import Place, Rotated, Rotation, not_over


@pytest.fixture
def modelled(corner):
    """Make a world whose secrets are in the model."""

    @contextmanager
    def make(**wishes) -> Iterator[VaultWorld]:
        with vault_world(lambda now: Kv2(now=now), corner, **wishes) as started:
            yield started

    return make


@pytest.fixture
def real(served, corner):
    """Make a world whose secrets are on the server."""

    @contextmanager
    def make(**wishes) -> Iterator[VaultWorld]:
        with vault_world(lambda _: served, corner, **wishes) as started:
            yield started

    return make


@pytest.fixture
def rotate():
    """Rotate one secret of a world in this process."""

    def run(started: VaultWorld, account: str, *, kv=None, attempts: int = 1, **choices) -> Rotated:
        over = choices.pop("over", not_over)
        place = Place(kv=kv or started.kv, deployment=started.deployment, clock=started.world.clock, over=over)
        return Rotation(place=place, path=started.path(account), **{"ordered": True, **choices}).run(attempts=attempts)

    return run


@pytest.fixture
def mortal():
    """Make a job for a world on a server, whose processes can die."""
    start_fork_server()

    def make(started: VaultWorld, server: OpenBao, token: Secret | None = None) -> MortalJob:
        token = token or server.root_token
        environment = {**started.environment(), "VAULT_ADDR": server.address, "VAULT_TOKEN": token.reveal()}
        return MortalJob(environment=environment, clock=started.world.clock)

    return make


@pytest.fixture
def on_raft(raft, corner):
    """Make a world whose secrets are on a server that survives being killed."""

    @contextmanager
    def make(**wishes) -> Iterator[VaultWorld]:
        with vault_world(lambda _: ServedKv(raft.client(), "secret"), corner, **wishes) as started:
            yield started

    return make


@pytest.fixture
def cli(real, openbao, monkeypatch, capsys):
    """Run ``lockstep vault`` against the server; return exit code and the JSON objects."""

    @contextmanager
    def at(**wishes):
        with real(**wishes) as started:
            server = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root_token.reveal()}
            for name, value in (started.environment() | server).items():
                monkeypatch.setenv(name, value)

            def run(*arguments):
                code = lockstep(["vault", *arguments])
                out = capsys.readouterr().out
                return code, [json.loads(line) for line in out.splitlines()] if "--json" in arguments else out

            yield started, run

    return at
