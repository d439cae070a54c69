"""The job gets in by token, AppRole and Kubernetes, in a namespace, and its token lasts as long as its work."""

from __future__ import annotations

import base64
import json
import time

import pytest

from rotation.core.clock import AGREES_SECONDS, StoreClock
from rotation.core.document import SecretDocument
from rotation.core.errors import StoreDenied, StoreError, StoreUnavailable, StoreUnreachable
from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.serving import serve
from rotation_testkit.doubles.vault.kv2 import mounted
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.sandbox.sandbox import ShiftedClock
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings
from vault_plugin.provision.server import Server

RULES = 'path "secret/data/*" { capabilities = ["read"] } path "auth/token/*" { capabilities = ["read", "update"] }'


JWT = "canary-jwt"


@pytest.fixture
def settings(openbao):
    """Return a function that makes settings for the server from variables."""

    def make(**own: str) -> VaultSettings:
        return VaultSettings.from_environment({"VAULT_ADDR": openbao.address, **own})

    return make


def reads(login, seconds=60.0):
    """Use the login to read."""
    with login.kv(seconds=seconds) as kv:
        return kv.read("no/such/secret") is None


def test_an_approle_logs_in_once_and_gives_its_token_back(openbao, settings, approle):
    """All rotations of a run share the token, which is revoked at the end."""
    with Login(settings(**approle(RULES, secret_id_num_uses=1)), clock=ShiftedClock()) as login:
        assert reads(login)
        assert reads(login)
        token = login._token.value
    with pytest.raises(Exception, match=r"denied|bad token|invalid"):
        openbao.client(token).lookup_token()


@pytest.mark.shows_secrets("file id", reason="the operator's own file")
def test_a_secret_id_may_come_from_a_file(settings, approle, tmp_path):
    """The secret id is read from a file, as systemd credentials and mounted secrets need it."""
    variables = approle(RULES)
    (tmp_path / "id").write_text(variables.pop("LOCKSTEP_VAULT_SECRET_ID") + "\n")
    made = settings(**variables, LOCKSTEP_VAULT_SECRET_ID_FILE=str(tmp_path / "id"))
    with Login(made, clock=ShiftedClock()) as login:
        assert reads(login)


@pytest.mark.parametrize("ahead", [-600.0, 600.0])
def test_the_servers_date_sets_the_jobs_clock(settings, approle, ahead):
    """The machine's clock is minutes off: leases and waits in the journal have the server's time all the same."""
    clock = StoreClock(ShiftedClock(ahead))
    with Login(settings(**approle(RULES)), clock=clock) as login:
        login.check()
        assert abs(clock.now() - time.time()) < 2 + AGREES_SECONDS
        assert reads(login)
    assert abs(clock.now() - time.time()) < 2 + AGREES_SECONDS


def test_a_refused_approle_is_no_outage(settings, approle):
    """A refused login is StoreDenied, and its secret id is not quoted."""
    variables = approle(RULES) | {"LOCKSTEP_VAULT_SECRET_ID": "canary"}
    with Login(settings(**variables), clock=ShiftedClock()) as login, pytest.raises(StoreDenied) as caught:
        reads(login)
    assert "canary" not in repr(caught.value.describe()) + repr(login.settings)
    assert "approle" in caught.value.message


def test_a_renewable_token_is_prolonged(settings, approle):
    """A token that ends before the work does is renewed, without a new login."""
    with Login(settings(**approle(RULES, token_ttl="300s", secret_id_num_uses=1)), clock=ShiftedClock()) as login:
        assert reads(login)
        login._clock.sleep(250)
        before = login._token
        assert reads(login)
        assert login._token.value == before.value
        assert login._token.ends > before.ends


def test_a_token_that_cannot_be_prolonged_is_replaced(settings, approle):
    """A token that cannot be renewed is replaced by another login."""
    role = approle(RULES, token_ttl="300s", token_max_ttl="301s")
    with Login(settings(**role), clock=ShiftedClock()) as login:
        assert reads(login)
        login._clock.sleep(290)
        before = login._token
        login._token = type(before)(before.value, before.ends, renewable=False)
        assert reads(login)
        assert login._token.value != before.value


def test_a_given_token_that_ends_too_soon_is_refused_before_anything_begins(openbao, settings):
    """An operator's token that ends too soon is refused, since the job has no login of its own."""
    token = openbao.client().auth.token.create(ttl="60s", renewable=False)["auth"]["client_token"]
    with Login(settings(VAULT_TOKEN=token), clock=ShiftedClock()) as login:
        with pytest.raises(StoreDenied) as caught:
            reads(login, seconds=120)
        assert caught.value.vendor_code == "token_ends"
        assert reads(login, seconds=5)
    assert openbao.client(Secret(token)).lookup_token()


def test_a_token_that_may_not_look_at_itself_is_used_as_it_is(openbao, settings, corner):
    """The policy of a token may allow nothing but the work."""
    client = openbao.client()
    client.sys.create_or_update_policy(corner, 'path "secret/data/*" { capabilities = ["read"] }')
    token = client.auth.token.create(policies=[corner], no_default_policy=True)["auth"]["client_token"]
    with Login(settings(VAULT_TOKEN=token), clock=ShiftedClock()) as login:
        assert reads(login)


@pytest.mark.shows_secrets("file token", reason="the operator's own file")
def test_a_token_may_come_from_a_file(openbao, settings, tmp_path):
    """The token is read from a file, as an agent writes it, and BAO_ADDR overrides VAULT_ADDR."""
    (tmp_path / "token").write_text(openbao.root_token.reveal())
    made = settings(LOCKSTEP_VAULT_TOKEN_FILE=str(tmp_path / "token"), BAO_ADDR=openbao.address)
    with Login(made, clock=ShiftedClock()) as login:
        assert reads(login)


@pytest.fixture
def kubernetes(openbao, corner):
    """Yield a Kubernetes login method, and the reviews that it asks a cluster's API for."""
    asked: list[dict] = []

    def api(environ, start):
        review = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        asked.append(review)
        user = {"username": "system:serviceaccount:ops:lockstep", "uid": "1", "groups": []}
        good = review["spec"]["token"].startswith("e")
        start("201 Created", [("Content-Type", "application/json")])
        return [json.dumps(review | {"status": {"authenticated": good, "user": user}}).encode()]

    client = openbao.client()
    client.sys.enable_auth_method("kubernetes", path=corner)
    client.sys.create_or_update_policy(corner, RULES)
    with serve(api) as address:
        client.adapter.post(
            f"/v1/auth/{corner}/config",
            json={
                "kubernetes_host": address,
                "kubernetes_ca_cert": Certificate("127.0.0.1").pem.decode(),
                "disable_local_ca_jwt": True,
                "token_reviewer_jwt": "reviewer",
            },
        )
        client.adapter.post(
            f"/v1/auth/{corner}/role/lockstep",
            json={
                "bound_service_account_names": ["lockstep"],
                "bound_service_account_namespaces": ["ops"],
                "token_policies": [corner],
            },
        )
        yield asked
    client.sys.disable_auth_method(corner)


def service_account_token() -> str:
    """Return a token in the form of Kubernetes; the API's answer decides."""

    def part(fields):
        return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()

    names = {"namespace": "ops", "serviceaccount": {"name": "lockstep", "uid": "1"}}
    claims = {"iss": "kubernetes", "sub": "system:serviceaccount:ops:lockstep", "kubernetes.io": names}
    return f"{part({'alg': 'RS256'})}.{part(claims)}.c2ln"


@pytest.mark.shows_secrets("file jwt", reason="the operator's own file")
def test_a_service_account_logs_in(settings, kubernetes, corner, tmp_path):
    """The job logs in with the token that Kubernetes puts into the pod."""
    (tmp_path / "jwt").write_text(service_account_token())
    own = {
        "LOCKSTEP_VAULT_AUTH": "kubernetes",
        "LOCKSTEP_VAULT_AUTH_MOUNT": corner,
        "LOCKSTEP_VAULT_ROLE": "lockstep",
        "LOCKSTEP_VAULT_JWT_FILE": str(tmp_path / "jwt"),
    }
    with Login(settings(**own), clock=ShiftedClock()) as login:
        assert reads(login)
    assert len(kubernetes) == 1
    own["LOCKSTEP_VAULT_ROLE"] = "nobody"
    with Login(settings(**own), clock=ShiftedClock()) as login, pytest.raises(StoreDenied, match="kubernetes"):
        reads(login)
    own["LOCKSTEP_VAULT_JWT_FILE"] = str(tmp_path / "nothing")
    with Login(settings(**own), clock=ShiftedClock()) as login, pytest.raises(StoreDenied, match="cannot be read"):
        reads(login)


def test_a_namespace_has_mounts_and_logins_of_its_own(openbao, settings, corner):
    """All requests go to the namespace, except the health check."""
    client = openbao.client()
    client.adapter.post(f"/v1/sys/namespaces/{corner}")
    inside = openbao.client()
    inside.adapter.namespace = corner
    mounted(inside, "own")
    inside.secrets.kv.v2.create_or_update_secret("a", {"password": "x"}, mount_point="own")
    own = {"VAULT_TOKEN": openbao.root_token.reveal(), "LOCKSTEP_VAULT_MOUNT": "own", "VAULT_NAMESPACE": corner}
    with Login(settings(**own), clock=ShiftedClock()) as login:
        login.check()
        with login.kv(seconds=1) as kv:
            assert kv.read("a").document == SecretDocument({"password": "x"})
    del own["VAULT_NAMESPACE"]
    with (
        Login(settings(**own), clock=ShiftedClock()) as login,
        login.kv(seconds=1) as kv,
        pytest.raises(StoreError, match="no such mount"),
    ):
        kv.read("a")


def test_a_redirect_is_not_followed():
    """A redirect would carry the token and its secrets to another host."""
    followed: list[str] = []

    def elsewhere(environ, start):
        followed.append(environ["PATH_INFO"])
        start("200 OK", [("Content-Type", "application/json")])
        return [b"{}"]

    with serve(elsewhere) as there:

        def standby(environ, start):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start("307 x", [("Location", there + environ["PATH_INFO"])])
            return [b""]

        with serve(standby) as here:
            made = VaultSettings.from_environment({"VAULT_ADDR": here, "VAULT_TOKEN": "t"})
            with Login(made, clock=ShiftedClock()) as login, pytest.raises(StoreUnavailable) as caught:
                reads(login)
    assert (caught.value.vendor_code, followed) == ("standby", [])


def test_the_server_is_asked_how_it_is(tmp_path):
    """A sealed server and a stopped one are named at once."""
    with OpenBao(tmp_path, storage="inmem", log_level="error") as server:
        made = VaultSettings.from_environment({"VAULT_ADDR": server.address, "VAULT_TOKEN": "t"})
        with Login(made, clock=ShiftedClock()) as login:
            login.check()
            server.client().sys.seal()
            with pytest.raises(StoreUnavailable) as caught:
                login.check()
            assert caught.value.vendor_code == "sealed"
            server.kill()
            with pytest.raises(StoreUnreachable) as caught:
                login.check()
            assert caught.value.vendor_code == "unreachable"


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, None), (429, None), (473, None), (472, "standby"), (501, "not_initialized"), (503, "sealed")],
)
def test_every_state_of_a_node_has_a_meaning(status, code):
    """Both kinds of standby serve, since they pass requests on; a disaster-recovery secondary does not."""

    def health(environ, start):
        assert environ["PATH_INFO"] == "/v1/sys/health"
        start(f"{status} x", [("Content-Type", "application/json")])
        return [b"{}"]

    with serve(health) as address:
        made = VaultSettings.from_environment({"VAULT_ADDR": address, "VAULT_TOKEN": "t", "VAULT_NAMESPACE": "team"})
        with Login(made, clock=ShiftedClock()) as login:
            if code is None:
                login.check()
                return
            with pytest.raises(StoreUnavailable) as caught:
                login.check()
            assert caught.value.vendor_code == code


@pytest.mark.parametrize("wait", [0.2, 0], ids=["drip", "flood"])
def test_a_server_whose_answer_has_no_end_is_left(monkeypatch, wait):
    """One exchange has one end, and its answer a largest size, for the job and for ``vault plugin``."""
    for module in ("job.login", "provision.server"):
        monkeypatch.setattr(f"vault_plugin.{module}._EXCHANGE_SECONDS", 1.0 if wait else 20.0)
        monkeypatch.setattr(f"vault_plugin.{module}._ANSWER_LIMIT", 1 << 20)

    def endless(_environ, start):
        start("200 OK", [("Content-Type", "application/json")])
        for _ in range(200):
            time.sleep(wait)
            yield b" " * (1 if wait else 1 << 16)

    began = time.monotonic()
    with serve(endless) as address:
        given = {"VAULT_ADDR": address, "VAULT_TOKEN": "s.token"}
        with (
            Login(VaultSettings.from_environment(given), clock=ShiftedClock()) as login,
            pytest.raises(StoreUnavailable) as caught,
        ):
            login.check()
        assert caught.value.vendor_code == "unreachable"
        with Server.from_environment(given) as server, pytest.raises(StoreUnavailable):
            server.read("sys/mounts")
    assert time.monotonic() - began < 10


def test_a_token_with_too_few_uses_is_refused_by_the_number(openbao, settings, approle):
    """Uses are counted before the work begins, for a given token and for one of a login."""
    make = openbao.client().auth.token.create
    few, enough = (make(policies=["root"], num_uses=uses)["auth"]["client_token"] for uses in (59, 300))
    with Login(settings(VAULT_TOKEN=few), clock=ShiftedClock()) as login, pytest.raises(StoreDenied) as caught:
        reads(login)
    assert (caught.value.vendor_code, caught.value.message) == (
        "token_uses",
        "the token may be used 58 more times, and this work makes up to 60 requests",
    )
    with Login(settings(VAULT_TOKEN=enough), clock=ShiftedClock()) as login:
        assert reads(login)
        assert reads(login)
        assert login._token.uses < 298  # it is looked up before each work
    with Login(settings(**approle(RULES, token_num_uses=20)), clock=ShiftedClock()) as login:
        with pytest.raises(StoreDenied, match="used 20 more times"):
            reads(login)
        with login.kv(seconds=60, requests=15) as kv:
            assert kv.read("no/such/secret") is None


def test_a_login_that_is_too_short_says_how_long_it_must_be(settings, approle):
    """The refusal has both numbers, and names the role's setting."""
    made = settings(**approle(RULES, token_ttl="60s", token_max_ttl="60s"))
    with Login(made, clock=ShiftedClock()) as login, pytest.raises(StoreDenied) as caught:
        reads(login, seconds=480.0)
    assert caught.value.vendor_code == "token_ends"
    assert "ends in 60 s" in caught.value.message
    assert "needs 510 s" in caught.value.message
    assert "token_ttl of the role to 510 s" in caught.value.hint


def test_a_wrapped_proof_is_told_from_a_wrong_one(openbao, settings, approle, corner):
    """A token or secret id that opens once is named as such, and is not used up by finding that out."""
    client = openbao.client()
    wrapped = client.auth.token.create(policies=["default"], wrap_ttl="60s")["wrap_info"]["token"]
    variables = approle(RULES)
    path = f"/v1/auth/{corner}/role/job/secret-id"
    inside = client.adapter.post(path, headers={"X-Vault-Wrap-TTL": "60s"}, json={})["wrap_info"]["token"]
    for made, what in (
        (settings(VAULT_TOKEN=wrapped), "token"),
        (settings(**variables | {"LOCKSTEP_VAULT_SECRET_ID": inside}), "secret id"),
    ):
        with Login(made, clock=ShiftedClock()) as login, pytest.raises(StoreDenied, match=what) as caught:
            reads(login)
        assert caught.value.vendor_code == "wrapped"
        assert "bao unwrap" in caught.value.hint
    assert openbao.client(Secret(inside)).sys.unwrap()["data"]["secret_id"]
