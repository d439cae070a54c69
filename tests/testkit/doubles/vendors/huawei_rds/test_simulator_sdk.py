"""The simulator of Huawei RDS, driven by the vendor's own SDK, and requests by hand with one fault each."""

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_rds.simulator import PROJECT, USER_RESET, HuaweiRds

# the SDK dates its signatures with datetime.utcnow, deprecated since Python 3.12
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
OLD, NEW = "Old-pass-1234", "New-pass-5678"
INSTANCE = "ed7cc6166ec24360a5ed5c5c9c2ed726in01"


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


@pytest.fixture
def sim(clock):
    """A MySQL instance with three accounts beside root."""
    simulator = HuaweiRds(clock=clock.now)
    instance = simulator.add_instance(INSTANCE, engine="MySQL", port=3306)
    for name in ("root", "alice", "bob", "carol"):
        instance.add(name, Secret(OLD))
    return simulator


class Sdk:
    """What the tests ask of the vendor's package; see ``HuaweiSdk``."""

    def reset(self, client, name="alice", password=NEW, instance=INSTANCE):
        """Reset an account's password."""
        body = self.v3.DbUserPwdRequest(name=name, password=password)
        return client.set_db_user_pwd(self.v3.SetDbUserPwdRequest(instance_id=instance, body=body))


@pytest.fixture
def sdk(huawei_sdk):
    """See ``Sdk``; the package has hundreds of modules, so it is imported when it is used."""
    from huaweicloudsdkrds import v3

    return huawei_sdk(Sdk, v3, v3.RdsClient, "Basic")


@pytest.fixture
def client(sdk, sim):
    """The account's own client."""
    return sdk.client(sim.credentials, PROJECT)


def test_the_sdk_resets_both_kinds_of_accounts(sdk, client, sim):
    """An account has one call, root another, whose answer is empty."""
    assert sdk.reset(client).resp == "successful"
    body = sdk.v3.PwdResetRequest(db_user_pwd=NEW)
    client.reset_pwd(sdk.v3.ResetPwdRequest(instance_id=INSTANCE, body=body))
    assert [sim.account(INSTANCE, name).password for name in ("alice", "root", "bob")] == [
        Secret(NEW),
        Secret(NEW),
        Secret(OLD),
    ]


def test_the_sdk_reads_instances_and_accounts(sdk, client):
    """The views fit the SDK's models; accounts come in pages, and root is not among them."""
    (instance,) = client.list_instances(sdk.v3.ListInstancesRequest(id=INSTANCE)).instances
    seen = (instance.status, instance.datastore.type, instance.private_ips, instance.port)
    assert seen == ("ACTIVE", "MySQL", ["127.0.0.1"], 3306)
    pages = [
        [
            user.name
            for user in client.list_db_users(sdk.v3.ListDbUsersRequest(instance_id=INSTANCE, page=at, limit=2)).users
        ]
        for at in (1, 2, 3)
    ]
    assert pages == [["alice", "bob"], ["carol"], []]


def test_every_documented_code_arrives(sdk, client, sim, documented):
    """Each code arrives as the SDK reads it; nothing is changed."""
    codes, _ = documented("huawei_rds")
    for code in codes:
        sim.faults.add(USER_RESET, FaultKind.VENDOR_CODE, code=code)
        assert sdk.refusal(sdk.reset, client)[1] == code
    assert sim.account(INSTANCE, "alice").resets == 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "short1A"}, (400, "DBS.280001")),
        ({"password": "Alice-pass-1"}, (400, "DBS.280001")),
        ({"password": "Dollar$pass-1"}, (400, "DBS.280001")),
        ({"name": "nobody"}, (400, "DBS.280001")),
        ({"name": "root"}, (400, "DBS.280001")),
        ({"instance": "anotherin01"}, (404, "DBS.200002")),
    ],
)
def test_a_reset_that_breaks_a_rule_changes_nothing(sdk, client, sim, change, expected):
    """Each rule of the vendor's page is held."""
    assert sdk.refusal(sdk.reset, client, **change) == expected
    assert {account.resets for account in sim.instances[INSTANCE].accounts.values()} == {0}


@pytest.mark.parametrize(
    ("status", "code"), [("REBOOTING", "DBS.200011"), ("STORAGE FULL", "DBS.200316"), ("FROZEN", "DBS.280449")]
)
def test_a_state_that_forbids_a_reset(sdk, client, sim, status, code):
    """An instance that is busy, full or frozen refuses."""
    sim.instances[INSTANCE].status = status
    assert sdk.refusal(sdk.reset, client)[1] == code
    sim.instances[INSTANCE].status = "BACKING UP"
    sdk.reset(client)


def test_keys_projects_and_clocks(sdk, sim, clock):
    """A foreign secret, project or clock is refused by the gateway; a temporary key needs its token."""
    key = sim.credentials
    wrong = type(key)(key.key_id, Secret("wrong"))
    assert sdk.refusal(sdk.reset, sdk.client(wrong, PROJECT)) == (401, "APIGW.0301")
    assert sdk.refusal(sdk.reset, sdk.client(key, "f" * 32)) == (403, "APIGW.0310")
    temporary = sim.add_key(token=Secret("a+token/=="))
    assert sdk.refusal(sdk.reset, sdk.client(type(key)(temporary.key_id, temporary.secret), PROJECT))[0] == 401
    sdk.reset(sdk.client(temporary, PROJECT))
    denied = sim.add_key(denied=frozenset({USER_RESET}))
    assert sdk.refusal(sdk.reset, sdk.client(denied, PROJECT)) == (403, "APIGW.0302")
    clock.sleep(901)
    assert sdk.refusal(sdk.reset, sdk.client(key, PROJECT)) == (401, "APIGW.0301")


def test_six_wrong_signatures_lock_a_key_for_five_minutes(sdk, sim, clock):
    """The right key is refused as long, and then works again."""
    key = sim.credentials
    guess = sdk.client(type(key)(key.key_id, Secret("guess")), PROJECT)
    for _ in range(6):
        assert sdk.refusal(sdk.reset, guess) == (401, "APIGW.0301")
    assert sdk.refusal(sdk.reset, sdk.client(key, PROJECT)) == (401, "APIGW.0301")
    clock.sleep(301)
    sdk.reset(sdk.client(key, PROJECT))
    assert sim.account(INSTANCE, "alice").resets == 1


def test_a_body_that_was_changed_on_its_way_is_refused(sdk, client, sim, monkeypatch):
    """The signature covers the body."""
    send = requests.Session.send

    def tamper(session, prepared, **options):
        prepared.body = bytes(prepared.body).replace(b"alice", b"carol") if prepared.body else prepared.body
        return send(session, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", tamper)
    assert sdk.refusal(sdk.reset, client) == (401, "APIGW.0301")
    assert sim.account(INSTANCE, "carol").resets == 0


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic x"}, {"Authorization": "SDK-HMAC-SHA256 Access=A"}])
def test_what_is_not_signed_is_refused(url, header):
    """A call without a signature in the vendor's form reaches no instance."""
    answer = requests.get(f"{url}/v3/{PROJECT}/instances", headers=header, timeout=5)
    assert (answer.status_code, answer.json()["error_code"]) == (401, "APIGW.0301")
    assert requests.get(f"{url}/v3", timeout=5).json()["error_code"] == "APIGW.0101"


def test_a_slow_reset_is_in_force_later(sdk, client, sim, clock):
    """The answer may come before the password works."""
    sim.reset_delay = 30
    sdk.reset(client)
    assert sim.account(INSTANCE, "alice").password == Secret(OLD)
    clock.sleep(31)
    assert sim.account(INSTANCE, "alice").password == Secret(NEW)
