"""Every way in which a real server refuses has its own name, and no value is in what is raised."""

from __future__ import annotations

import json
import socket
import traceback

import hvac
import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import NotYetVisible, SecretNotFound, StageConflict, StoreDenied, StoreError, StoreUnavailable
from rotation.core.secret import Secret
from rotation.stores.vault_kv import HvacKv, VaultKv, read_current
from rotation_testkit.conformance.kv_backdoor import KvDoor
from rotation_testkit.conformance.store_backdoor import FIRST, LIVE, NEXT, OTHER, SECOND
from rotation_testkit.doubles.serving import serve
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.fault_lab.in_memory.scenario import VirtualClock

DOCUMENT = SecretDocument({"password": "canary"})


def calls(kv):
    """Every call of the port, by name."""
    return {
        "read": lambda: kv.read("a"),
        "write": lambda: kv.write("a", DOCUMENT, cas=0),
        "metadata": lambda: kv.metadata("a"),
        "list": lambda: kv.list("a"),
    }


def refused(call, error, code):
    """Make a call and check what it raises: type, code, no value, nothing foreign behind it."""
    with pytest.raises(StoreError) as caught:
        call()
    raised = caught.value
    assert (type(raised), raised.vendor_code) == (error, code)
    assert raised.__cause__ is None
    assert raised.__context__ is None
    ours = [frame.f_locals for frame, _ in traceback.walk_tb(raised.__traceback__)][1:]
    assert "canary" not in repr(ours) + repr(raised) + repr(raised.describe())
    return raised


@pytest.fixture
def client(openbao):
    """Make a client with a token of its own."""
    made = []

    def make(token: str, address: str = openbao.address) -> HvacKv:
        made.append(hvac.Client(address, token=token, timeout=30, allow_redirects=False))
        return HvacKv(made[-1], "secret")

    yield make
    for each in made:
        each.adapter.close()


@pytest.mark.parametrize("name", ["read", "write", "metadata", "list"])
def test_a_token_without_the_right_is_told_apart_from_a_bad_one(openbao, client, name):
    """The server says the same of both, so the token is asked about."""
    token = openbao.client().auth.token.create(policies=["default"])["auth"]["client_token"]
    refused(calls(client(token))[name], StoreDenied, "permission_denied")
    refused(calls(client("s.bad"))[name], StoreDenied, "token_invalid")


def test_a_revoked_token_is_a_bad_one(openbao, client):
    """As one that has expired is."""
    root = openbao.client()
    token = root.auth.token.create(policies=["default"])["auth"]["client_token"]
    root.auth.token.revoke(token)
    refused(calls(client(token))["read"], StoreDenied, "token_invalid")


@pytest.mark.parametrize("name", ["read", "write", "metadata", "list"])
def test_a_mount_that_is_not_there(openbao, name):
    """Is no missing secret."""
    refused(calls(HvacKv(openbao.client(), "nowhere"))[name], StoreError, "no_mount")


def test_an_engine_of_version_1_is_refused(openbao):
    """Its answers have another form, and it has no check-and-set."""
    client = openbao.client()
    client.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    try:
        client.secrets.kv.v1.create_or_update_secret("data/a", {"password": "canary"}, mount_point="old")
        refused(calls(HvacKv(client, "old"))["read"], StoreError, "unexpected_answer")
    finally:
        client.sys.disable_secrets_engine("old")


def test_a_rate_limit_quota(openbao, served, corner):
    """Worth another attempt."""
    served.write(f"{corner}/a", DOCUMENT, cas=0)
    client = openbao.client()
    client.adapter.post(f"/v1/sys/quotas/rate-limit/{corner}", json={"path": f"secret/data/{corner}/*", "rate": 0.001})
    try:
        served.read(f"{corner}/a")
        raised = refused(lambda: served.read(f"{corner}/a"), StoreUnavailable, "rate_limited")
    finally:
        client.adapter.delete(f"/v1/sys/quotas/rate-limit/{corner}")
    assert raised.retryable


def test_a_sealed_server_and_one_that_is_gone(tmp_path):
    """Both are worth another attempt; a sealed one needs somebody."""
    with OpenBao(tmp_path, storage="inmem", log_level="error") as server:
        client = server.client()
        kv = HvacKv(client, "secret")
        client.sys.seal()
        for call in calls(kv).values():
            assert "Unseal" in refused(call, StoreUnavailable, "sealed").hint
        server.kill()
        for call in calls(kv).values():
            assert refused(call, StoreUnavailable, "unreachable").retryable


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (307, "", "standby"),
        (400, {"errors": ["Upgrading from non-versioned to versioned data. This backend will be"]}, "not_ready"),
        (400, {"errors": ["Waiting for the primary to upgrade from non-versioned to versioned data."]}, "not_ready"),
        (500, {"errors": ["local node not active but active cluster node not found"]}, "standby"),
        (500, {"errors": ["internal error"]}, "server_error"),
        (501, {"errors": ["not initialized"]}, "not_initialized"),
        (502, "<html>", "server_error"),
        (503, {"errors": ["OpenBao is sealed"]}, "sealed"),
        (503, "upstream connect error", "server_error"),
        (200, "<html>", "server_error"),
    ],
)
def test_what_only_a_cluster_or_a_proxy_says(client, status, body, code):
    """A redirect is not followed: it would carry token and candidate to wherever it points."""

    def app(environ, start):
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        start(f"{status} x", [("Content-Type", kind), ("Location", "http://127.0.0.1:9/")])
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        return [text.encode()]

    with serve(app) as address:
        kv = client("t", address)
        for call in calls(kv).values():
            assert refused(call, StoreUnavailable, code).retryable


def test_an_answer_that_breaks_off(client):
    """The connection ends before any answer."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kv = client("t", f"http://127.0.0.1:{listener.getsockname()[1]}")
        listener.close()
        refused(calls(kv)["write"], StoreUnavailable, "unreachable")


@pytest.fixture
def door():
    """A secret on the model."""
    clock = VirtualClock()
    return KvDoor(Kv2(now=clock.now), "app", clock)


def test_a_deleted_secret_is_said_to_be_deleted(door):
    """And one that never was is missing; an admin credential likewise."""
    door.kv.delete("app")
    with pytest.raises(SecretNotFound, match="deleted"):
        door.store().describe()
    with pytest.raises(SecretNotFound, match="does not exist"):
        VaultKv(door.kv, "nothing", clock=door.clock).describe()
    for path in ("app", "nothing"):
        with pytest.raises(SecretNotFound):
            read_current(door.kv, path)


def test_a_candidate_is_as_old_as_its_making(door):
    """A repeated put does not make it younger; once current it is as old as the server says."""
    store, made = door.store(), door.clock.now()
    for _ in range(2):
        store.stage(FIRST, NEXT)
        door.clock.sleep(9)
    assert store.read(FIRST).created == made
    store.promote(FIRST, current_id=store.describe().current_id)
    store.settle(FIRST)
    assert store.read(FIRST).created == made + 18


def test_a_deleted_journal_stops_everything(door):
    """It may hold the live password."""
    door.store().stage(FIRST, NEXT)
    door.kv.delete("app.lockstep")
    with pytest.raises(StoreError, match="journal was deleted") as caught:
        door.store().describe()
    assert "undelete" in caught.value.hint
    door.kv.undelete("app.lockstep", 2)
    assert door.store().unfinished() == FIRST


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"format": 2, "versions": {}, "lease": None},
        {"format": 1, "versions": [], "lease": None},
        {"format": 1, "versions": {"a": {"labels": "canary"}}, "lease": None},
        {"format": 1, "versions": {"a": {"labels": ["x"], "value": 1}}, "lease": None},
        {"format": 1, "versions": {"a": {"labels": ["x"], "value": "canary", "created": "x"}}, "lease": None},
        {"format": 1, "versions": {"a": {"labels": [], "version": 1}}, "lease": None},
        {"format": 1, "versions": {}, "lease": {"token": "t"}},
        {"format": 1, "versions": {}},
    ],
)
def test_a_journal_that_somebody_else_wrote_stops_everything(door, fields):
    """Without being quoted."""
    door.kv.write("app.lockstep", SecretDocument(fields), cas=1)
    refused(door.store().describe, StoreError, None)


def test_a_standby_that_lags_behind_is_waited_for(door):
    """What this process wrote must be seen before anything is decided by what is read."""
    lagging = Lagging(door.kv)
    store = VaultKv(lagging, "app", clock=door.clock)
    store.stage(FIRST, NEXT)
    lagging.behind = 3
    before = door.clock.now()
    assert store.unfinished() == FIRST
    assert door.clock.now() > before
    lagging.behind = 99
    with pytest.raises(NotYetVisible):
        store.describe()


def test_a_secret_older_than_its_journal_says_is_not_believed(door):
    """A commit was noted that this answer does not show; or the secret was deleted and made anew."""
    store = door.store()
    store.stage(FIRST, NEXT)
    store.promote(FIRST, current_id=store.describe().current_id)
    store.settle(FIRST)
    door.kv.remove("app")
    door.kv.write("app", LIVE, cas=0)
    with pytest.raises(NotYetVisible) as caught:
        door.store().describe()
    assert "delete its journal" in caught.value.hint


def test_a_candidate_is_not_staged_over_another_rotation(door):
    """Stricter than Secrets Manager, which moves the stage."""
    door.store().stage(FIRST, NEXT)
    with pytest.raises(StageConflict):
        door.store().stage(SECOND, OTHER)
    assert door.store().begin(SECOND) == FIRST


def test_the_journal_is_no_secret_to_rotate(door):
    """And neither is nothing."""
    for path in ("app.lockstep", "", "/"):
        with pytest.raises(Exception, match="no path"):
            VaultKv(door.kv, path, clock=door.clock)


def test_a_candidate_with_a_value_that_is_none_of_the_servers(door):
    """A text that no JSON is can be read by nobody, and makes nothing current."""
    door.put_text(FIRST, Secret("canary"))
    assert door.store().describe().current_id != FIRST


class Lagging:
    """Answers reads by the version before, so many times."""

    def __init__(self, kv):
        self._kv, self.behind = kv, 0

    def read(self, path, *, version=None):
        """See ``Kv``."""
        newest = self._kv.read(path)
        if version is None and self.behind and newest is not None and newest.version > 1:
            self.behind -= 1
            return self._kv.read(path, version=newest.version - 1)
        return self._kv.read(path, version=version)

    def write(self, path, document, *, cas):
        """See ``Kv``."""
        return self._kv.write(path, document, cas=cas)
