"""Vendors with their secrets in KV, on the model and on the real server, and servers with the database plug-in."""

import json
from contextlib import ExitStack, contextmanager
from functools import partial

import hvac
import pytest

from rotation.cli.app import run as lockstep
from rotation_testkit.doubles.vault.kv2 import Kv2, ServedKv
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.processes.mortal_job import MortalJob, start_fork_server
from rotation_testkit.sandbox.static_roles import PluginServer
from rotation_testkit.sandbox.vault_sandbox import open_vault_sandbox
from vault_plugin.job.kv_rotation import JobContext, KvRotation
from vault_plugin.provision.build import build


@pytest.fixture
def modelled(corner):
    """Return a function that makes a world whose secrets are in the model."""
    return partial(open_vault_sandbox, lambda now: Kv2(now=now), corner)


@pytest.fixture
def real(served, corner):
    """Return a function that makes a world whose secrets are on the server."""
    return partial(open_vault_sandbox, lambda _: served, corner)


@pytest.fixture
def on_raft(raft, corner):
    """Return a function that makes a world whose secrets are on a server that survives being killed."""
    return partial(open_vault_sandbox, lambda _: ServedKv(raft.client(), "secret"), corner)


@pytest.fixture
def rotate():
    """Return a function that rotates one secret of a world in this process."""

    def run(started, account, *, kv=None, attempts=1, **choices):
        wrap, clock = choices.pop("wrap_store", None), choices.pop("clock", started.world.clock)
        context = JobContext(
            kv=kv or started.kv,
            deployment=started.deployment,
            clock=clock,
            wrap_store=wrap,
            admins=choices.pop("admins", {}),
        )
        rotation = KvRotation(context=context, path=started.path(account), **{"ordered": True, **choices})
        return rotation.run(attempts=attempts)

    return run


@pytest.fixture
def mortal():
    """Return a function that makes a job for a world on a server; the job's processes can die."""
    start_fork_server()

    def make(started, server, token=None):
        token = token or server.root_token
        environment = {**started.environment(), "VAULT_ADDR": server.address, "VAULT_TOKEN": token.reveal()}
        return MortalJob(environment=environment, clock=started.world.clock)

    return make


@pytest.fixture
def clocked(monkeypatch):
    """Return a function that makes ``lockstep vault`` use the world's clock, on which waiting takes no time."""

    def at(started):
        clock = started.world.clock
        monkeypatch.setattr("rotation.core.clock.SystemClock.now", lambda _: clock.now())
        monkeypatch.setattr("rotation.core.clock.StoreClock.heard", lambda *_: None)  # the real server's own time
        monkeypatch.setattr("rotation.core.clock.SystemClock.sleep", lambda _, seconds: clock.sleep(seconds))
        return started

    return at


@pytest.fixture
def cli(real, openbao, monkeypatch, capsys):
    """Return a context manager: a world, and a function that runs ``lockstep vault`` against the server.

    The function returns the exit code and the JSON objects of standard output, or its text without ``--json``; its
    attribute ``err`` is the standard error of the latest run.
    """

    @contextmanager
    def at(**choices):
        with real(**choices) as started:
            server = {"VAULT_ADDR": openbao.address, "VAULT_TOKEN": openbao.root_token.reveal()}
            for name, value in (started.environment() | server).items():
                monkeypatch.setenv(name, value)

            def run(*arguments):
                code = lockstep(["vault", *arguments])
                out, run.err = capsys.readouterr()
                return code, [json.loads(line) for line in out.splitlines()] if "--json" in arguments else out

            yield started, run

    return at


@pytest.fixture
def approle(openbao, corner):
    """Return a function that makes an AppRole with a policy, and returns the variables of a job that uses it."""
    client = openbao.client()
    client.sys.enable_auth_method("approle", path=corner)

    def make(rules, **role):
        client.sys.create_or_update_policy(corner, rules)
        api, at = client.auth.approle, {"mount_point": corner}
        api.create_or_update_approle("job", token_policies=[corner], **role, **at)
        return {
            "VAULT_ADDR": openbao.address,
            "LOCKSTEP_VAULT_AUTH": "approle",
            "LOCKSTEP_VAULT_AUTH_MOUNT": corner,
            "LOCKSTEP_VAULT_ROLE_ID": api.read_role_id("job", **at)["data"]["role_id"],
            "LOCKSTEP_VAULT_SECRET_ID": api.generate_secret_id("job", **at)["data"]["secret_id"],
        }

    yield make
    client.sys.disable_auth_method(corner)
    client.sys.delete_policy(corner)


@pytest.fixture
def is_valid(openbao):
    """Return a function that says whether the server still accepts a token."""

    def ask(token):
        try:
            openbao.client().auth.token.lookup(token.value.reveal())
        except hvac.exceptions.VaultError:
            return False
        return True

    return ask


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Return the plug-in's file; building it takes a second."""
    return build(tmp_path_factory.mktemp("built") / "lockstep-plugin")


@pytest.fixture(scope="session")
def _plugin_server(raft_server, built):
    return PluginServer.on(raft_server, built)


@pytest.fixture
def plugin_server(_plugin_server, raft):
    """Return the worker's raft server with the plug-in; a test may kill it."""
    assert _plugin_server.server is raft
    return _plugin_server


@pytest.fixture
def own_plugin_server(tmp_path, built):
    """Yield a raft server of the test's own with the plug-in, for what takes minutes."""
    with OpenBao(tmp_path) as server:
        yield PluginServer.on(server, built)


@pytest.fixture
def stack():
    """Yield an exit stack whose entries end before the server does."""
    with ExitStack() as entered:
        yield entered
