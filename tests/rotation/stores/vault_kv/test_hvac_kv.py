"""Every way in which a real server refuses has its own name, and no value is in what is raised."""

from __future__ import annotations

import json
import socket

import hvac
import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreDenied, StoreError, StoreUnavailable, StoreUnreachable
from rotation.stores.vault_kv import HvacKv
from rotation_testkit.doubles.serving import serve
from rotation_testkit.doubles.vault.openbao import OpenBao

DOCUMENT = SecretDocument({"password": "canary"})


def calls(kv):
    """Return every call of the port by name."""
    return {
        "read": lambda: kv.read("a"),
        "write": lambda: kv.write("a", DOCUMENT, cas=0),
        "metadata": lambda: kv.metadata("a"),
        "list": lambda: kv.list("a"),
    }


@pytest.fixture
def client(openbao):
    """Yield a function that makes a client with a token of its own."""
    made = []

    def make(token: str, address: str = openbao.address) -> HvacKv:
        made.append(hvac.Client(address, token=token, timeout=30, allow_redirects=False))
        return HvacKv(made[-1], "secret")

    yield make
    for each in made:
        each.adapter.close()


@pytest.mark.parametrize("name", ["read", "write", "metadata", "list"])
def test_a_token_without_the_right_differs_from_a_bad_one(refused, openbao, client, name):
    """The server's answer is the same for both, so the token is looked up."""
    token = openbao.client().auth.token.create(policies=["default"])["auth"]["client_token"]
    refused(calls(client(token))[name], StoreDenied, "permission_denied")
    refused(calls(client("s.bad"))[name], StoreDenied, "token_invalid")


def test_a_revoked_token_is_a_bad_one(refused, openbao, client):
    """A revoked token is invalid, as an expired one is."""
    root = openbao.client()
    token = root.auth.token.create(policies=["default"])["auth"]["client_token"]
    root.auth.token.revoke(token)
    refused(calls(client(token))["read"], StoreDenied, "token_invalid")


@pytest.mark.parametrize("name", ["read", "write", "metadata", "list"])
def test_a_mount_that_is_not_there(refused, openbao, name):
    """A missing mount is not reported as a missing secret."""
    refused(calls(HvacKv(openbao.client(), "nowhere"))[name], StoreError, "no_mount")


def test_an_engine_of_version_1_is_refused(refused, openbao):
    """An engine of version 1 answers in another form and has no check-and-set, so it is refused."""
    client = openbao.client()
    client.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    try:
        client.secrets.kv.v1.create_or_update_secret("data/a", {"password": "canary"}, mount_point="old")
        refused(calls(HvacKv(client, "old"))["read"], StoreError, "unexpected_answer")
    finally:
        client.sys.disable_secrets_engine("old")


def test_a_rate_limit_quota(refused, openbao, served, corner):
    """A rate limit is worth another attempt."""
    served.write(f"{corner}/a", DOCUMENT, cas=0)
    client = openbao.client()
    client.adapter.post(f"/v1/sys/quotas/rate-limit/{corner}", json={"path": f"secret/data/{corner}/*", "rate": 0.001})
    try:
        served.read(f"{corner}/a")
        raised = refused(lambda: served.read(f"{corner}/a"), StoreUnavailable, "rate_limited")
    finally:
        client.adapter.delete(f"/v1/sys/quotas/rate-limit/{corner}")
    assert raised.retryable


def test_a_sealed_server_and_one_that_is_gone(refused, tmp_path):
    """A sealed server needs a human, as the hint says, and so does one of this machine that is gone."""
    with OpenBao(tmp_path, storage="inmem", log_level="error") as server:
        client = server.client()
        kv = HvacKv(client, "secret")
        client.sys.seal()
        for call in calls(kv).values():
            assert "Unseal" in refused(call, StoreUnavailable, "sealed").hint
        server.kill()
        for call in calls(kv).values():
            assert not refused(call, StoreUnreachable, "unreachable").retryable


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
def test_what_only_a_cluster_or_a_proxy_says(refused, client, status, body, code):
    """Each answer is a retryable error, and a redirect is not followed: it would carry the token to another host."""

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


def test_a_closed_port(refused, client):
    """A port of this machine at which nothing listens stays closed until somebody starts the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kv = client("t", f"http://127.0.0.1:{listener.getsockname()[1]}")
        listener.close()
        closed = refused(calls(kv)["write"], StoreUnreachable, "unreachable")
    assert (closed.retryable, "VAULT_ADDR" in closed.hint) == (False, True)
