"""The simulator of ApsaraDB RDS, driven by the vendor's own SDK, and requests by hand with one fault each."""

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.alibaba_rds.simulator import RESET, AlibabaRds

# the SDK dates its signatures with datetime.utcnow, deprecated since Python 3.12
pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
    pytest.mark.shows_secrets(
        "log of urllib3.connectionpool",
        "error ClientException",
        reason="the vendor's SDK, our second opinion, puts passwords into addresses; Lockstep's own calls are forms",
    ),
]
OLD, NEW = "Old-pass-1234", "New-pass-5678"
INSTANCE = "rm-uf6wjk5"


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


@pytest.fixture
def sim(clock):
    """A MySQL instance with two accounts and a public address."""
    simulator = AlibabaRds(clock=clock.now)
    instance = simulator.add_instance(INSTANCE, engine="MySQL", port=3306)
    instance.public = "rm-uf6wjk5o.mysql.rds.example"
    for name in ("alice", "bob"):
        instance.add(name, Secret(OLD))
    return simulator


class Sdk:
    """The vendor's package, imported when it is used, since it has 900 modules."""

    def __init__(self, url):
        from alibabacloud_rds20140815 import models
        from alibabacloud_rds20140815.client import Client
        from alibabacloud_tea_openapi.exceptions import AlibabaCloudException
        from alibabacloud_tea_openapi.models import Config
        from darabonba.exceptions import DaraException

        self.models, self.refused, self.failed = models, AlibabaCloudException, DaraException
        self._client, self._config, self._host = Client, Config, url.removeprefix("http://")

    def client(self, key):
        """A client of a key's owner."""
        token = {"security_token": key.token.reveal()} if key.token else {}
        secret = key.secret.reveal()
        own = {"access_key_id": key.key_id, "access_key_secret": secret, **token}
        return self._client(self._config(**own, endpoint=self._host, protocol="http", region_id="cn-hangzhou"))

    def reset(self, client, name="alice", password=NEW, instance=INSTANCE):
        """Reset an account's password."""
        request = self.models.ResetAccountPasswordRequest(
            account_name=name, account_password=password, dbinstance_id=instance
        )
        return client.reset_account_password(request).body

    def refusal(self, act, *args, **options):
        """Return status and code that the SDK raised."""
        with pytest.raises(self.refused) as caught:
            act(*args, **options)
        return int(caught.value.status_code), str(caught.value.code)


@pytest.fixture
def sdk(url, monkeypatch):
    """See ``Sdk``; it would follow a proxy in the environment."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return Sdk(url)


@pytest.fixture
def client(sdk, sim):
    """The account's own client."""
    return sdk.client(sim.credentials)


def test_the_sdk_resets_an_account(sdk, client, sim):
    """The SDK's parameters are in the query; the answer is a request id, and the other account keeps its password."""
    assert sdk.reset(client).request_id
    assert f"AccountPassword={NEW}" in sim.captured[-1].url
    assert sim.account(INSTANCE, "alice").password == Secret(NEW)
    assert sim.account(INSTANCE, "bob").password == Secret(OLD)


def test_the_sdk_reads_instance_account_and_addresses(sdk, client, sim):
    """The views fit the SDK's models."""
    models = sdk.models
    request = models.DescribeDBInstanceAttributeRequest(dbinstance_id=INSTANCE)
    (seen,) = client.describe_dbinstance_attribute(request).body.items.dbinstance_attribute
    assert (seen.dbinstance_id, seen.dbinstance_status, seen.engine) == (INSTANCE, "Running", "MySQL")
    sim.account_status["bob"] = "Unavailable"
    accounts = client.describe_accounts(models.DescribeAccountsRequest(dbinstance_id=INSTANCE)).body.accounts
    states = {each.account_name: each.account_status for each in accounts.dbinstance_account}
    assert states == {"alice": "Available", "bob": "Unavailable"}
    nets = client.describe_dbinstance_net_info(models.DescribeDBInstanceNetInfoRequest(dbinstance_id=INSTANCE)).body
    kinds = [(each.iptype, each.connection_string_type) for each in nets.dbinstance_net_infos.dbinstance_net_info]
    assert kinds == [("Private", "ReadWriteSplitting"), ("Private", "Normal"), ("Public", "Normal")]


def test_every_documented_code_arrives(sdk, client, sim, documented):
    """Each code arrives as the SDK reads it; nothing is changed."""
    codes, _ = documented("alibaba_rds")
    for code in codes:
        sim.faults.add(RESET, FaultKind.VENDOR_CODE, code=code)
        assert sdk.refusal(sdk.reset, client)[1] == code
    assert sim.account(INSTANCE, "alice").resets == 0


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"password": "short1A"}, (400, "InvalidAccountPassword.Format")),
        ({"password": "Question?mark1"}, (400, "InvalidAccountPassword.Format")),
        ({"name": "nobody"}, (400, "Abs.InvalidAccount.NotFound")),
        ({"instance": "rm-other"}, (400, "InvalidDBInstanceId.NotFound")),
        ({"password": ""}, (400, "MissingParameter")),
    ],
)
def test_a_reset_that_breaks_a_rule_changes_nothing(sdk, client, sim, change, expected):
    """Each rule of the vendor's page is held."""
    assert sdk.refusal(sdk.reset, client, **change) == expected
    assert {account.resets for account in sim.instances[INSTANCE].accounts.values()} == {0}


def test_states_that_forbid_a_reset(sdk, client, sim):
    """The instance must run and be unlocked, the account be available."""
    sim.instances[INSTANCE].status = "Rebooting"
    assert sdk.refusal(sdk.reset, client) == (403, "IncorrectDBInstanceState")
    sim.instances[INSTANCE].status, sim.lock_mode = "Running", "LockByDiskQuota"
    assert sdk.refusal(sdk.reset, client) == (404, "IncorrectDBInstanceLockMode")
    sim.lock_mode, sim.account_status["alice"] = "Unlock", "Unavailable"
    assert sdk.refusal(sdk.reset, client) == (400, "IncorrectAccountStatus")


def test_keys_and_clocks(sdk, sim, clock):
    """A foreign key, secret or clock is refused by the gateway; a temporary key needs its token."""
    key = sim.credentials
    make = type(key)
    assert sdk.refusal(sdk.reset, sdk.client(make("LTAInobody", Secret("x")))) == (404, "InvalidAccessKeyId.NotFound")
    wrong = sdk.client(make(key.key_id, Secret("wrong")))
    assert sdk.refusal(sdk.reset, wrong) == (400, "SignatureDoesNotMatch")
    temporary = sim.add_key(token=Secret("a+token/=="))
    alone = sdk.client(make(temporary.key_id, temporary.secret))
    assert sdk.refusal(sdk.reset, alone) == (400, "InvalidSecurityToken.Malformed")
    sdk.reset(sdk.client(temporary))
    denied = sim.add_key(denied=frozenset({RESET}))
    assert sdk.refusal(sdk.reset, sdk.client(denied)) == (403, "NoPermission")
    clock.sleep(901)
    assert sdk.refusal(sdk.reset, sdk.client(key)) == (400, "InvalidTimeStamp.Expired")


def test_a_request_counts_once(sdk, client, sim):
    """A copy of a signed request is a used nonce, and resets nothing again."""
    sdk.reset(client)
    sent = sim.captured[-1]
    again = requests.request(sent.method, sent.url, data=sent.body, headers=dict(sent.headers), timeout=5)
    assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")
    assert sim.account(INSTANCE, "alice").resets == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Authorization": "Basic x"}, "IncompleteSignature"),
        ({"x-acs-signature-nonce": ""}, "MissingParameter"),
        ({"x-acs-date": "2026-11-30"}, "InvalidTimeStamp.Format"),
        ({"x-acs-action": "DescribeAccounts"}, "SignatureDoesNotMatch"),
        ({"x-acs-content-sha256": "0" * 64}, "SignatureDoesNotMatch"),
    ],
)
def test_what_was_changed_on_its_way_is_refused(sdk, client, sim, change, code):
    """The signature covers each of the vendor's headers and the body's digest."""
    sdk.reset(client)
    sent = sim.captured[-1]
    headers = {name: value for name, value in sent.headers if name.lower() not in {each.lower() for each in change}}
    answer = requests.request(sent.method, sent.url, data=sent.body, headers={**headers, **change}, timeout=5)
    assert answer.json()["Code"] == code
    assert sim.account(INSTANCE, "alice").resets == 1


def test_a_slow_reset_is_in_force_later(sdk, client, sim, clock):
    """The answer comes before the password works."""
    sim.reset_delay = 30
    sdk.reset(client)
    assert sim.account(INSTANCE, "alice").password == Secret(OLD)
    clock.sleep(31)
    assert sim.account(INSTANCE, "alice").password == Secret(NEW)
