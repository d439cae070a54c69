"""The simulator of Huawei IAM, driven by the vendor's own SDK, and requests by hand with one fault each."""

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.huawei_iam_user.simulator import DOMAIN, DOMAIN_NAME, LOGIN, RESET, HuaweiIam

# the SDK dates its signatures with datetime.utcnow, deprecated since Python 3.12
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
OLD, NEW = "Old-pass-1234", "New-pass-5678"
USER = "2c1c6c54e59141b889c99e6fada5f19f"


@pytest.fixture
def clock(wall_clock):
    """The machine's clock, by which the vendor's client signs."""
    return wall_clock


@pytest.fixture
def sim(clock):
    """An account with one user."""
    simulator = HuaweiIam(clock=clock.now)
    simulator.add_user(USER, "robot", Secret(OLD))
    return simulator


class Sdk:
    """What the tests ask of the vendor's package; see ``HuaweiSdk``."""

    def reset(self, client, password=NEW, user=USER):
        """Reset a user's password."""
        option = self.v3.UpdateUserOption(password=password, pwd_status=False)
        body = self.v3.UpdateUserRequestBody(user=option)
        return client.update_user(self.v3.UpdateUserRequest(user_id=user, body=body))

    def log_in(self, client, password=OLD, name="robot"):
        """Get a token by a password."""
        v3 = self.v3
        user = v3.PwdPasswordUser(domain=v3.PwdPasswordUserDomain(name=DOMAIN_NAME), name=name, password=password)
        identity = v3.PwdIdentity(methods=["password"], password=v3.PwdPassword(user=user))
        auth = v3.PwdAuth(identity=identity, scope=v3.AuthScope(domain=v3.AuthScopeDomain(name=DOMAIN_NAME)))
        body = v3.KeystoneCreateUserTokenByPasswordRequestBody(auth=auth)
        return client.keystone_create_user_token_by_password(
            v3.KeystoneCreateUserTokenByPasswordRequest(nocatalog="true", body=body)
        )


@pytest.fixture
def sdk(huawei_sdk):
    """See ``Sdk``; the package has hundreds of modules, so it is imported when it is used."""
    from huaweicloudsdkiam import v3

    return huawei_sdk(Sdk, v3, v3.IamClient, "Global")


@pytest.fixture
def client(sdk, sim):
    """The administrator's own client."""
    return sdk.client(sim.credentials, DOMAIN)


def change(url, token, old=OLD, new=NEW, user=USER):
    """Change a password as its user, by hand: the SDK has no way to send a token."""
    body = {"user": {"password": new, "original_password": old}}
    return requests.post(f"{url}/v3/users/{user}/password", json=body, headers={"X-Auth-Token": token}, timeout=5)


def test_the_sdk_resets_and_logs_in(sdk, client, sim):
    """A reset answers with the user; the new password gets a token in the header, the old one does not."""
    assert sdk.reset(client).user.id == USER
    opened = sdk.log_in(client, NEW)
    assert (opened.token.user.name, opened.x_subject_token in sim.users.tokens) == ("robot", True)
    assert sdk.refusal(sdk.log_in, client)[0] == 401
    assert (sim.user(USER).password, sim.user(USER).must_change) == (Secret(NEW), False)


def test_the_sdk_reads_the_user_and_both_policies(sdk, client, sim):
    """The views fit the SDK's models."""
    sim.policies.min_age, sim.policies.tries = 30, 7
    v3 = sdk.v3
    user = client.keystone_show_user(v3.KeystoneShowUserRequest(user_id=USER)).user
    assert (user.name, user.domain_id, user.enabled, user.access_mode) == ("robot", DOMAIN, True, "default")
    asked = v3.ShowDomainPasswordPolicyRequest(domain_id=DOMAIN)
    password = client.show_domain_password_policy(asked).password_policy
    assert (password.minimum_password_age, password.password_char_combination) == (30, 2)
    login = client.show_domain_login_policy(v3.ShowDomainLoginPolicyRequest(domain_id=DOMAIN)).login_policy
    assert (login.login_failed_times, login.lockout_duration) == (7, 15)


def test_every_documented_code_arrives(sdk, client, sim, documented):
    """Each code arrives as the SDK reads it; nothing is changed."""
    codes, _ = documented("huawei_iam_user")
    for code in codes:
        sim.faults.add(RESET, FaultKind.VENDOR_CODE, code=code)
        throttled = code in {"IAM.0012", "APIGW.0308"}  # of HTTP 429 in answer to a PUT, the SDK keeps the status alone
        assert sdk.refusal(sdk.reset, client)[1] == ("429" if throttled else code)
    assert sim.user(USER).changes == 0


def test_a_user_changes_its_own_password_and_loses_its_token(url, sdk, client, sim):
    """HTTP 204 without a body; the token, that of another user's path, and a wrong old password are refused."""
    token = sdk.log_in(client).x_subject_token
    assert change(url, "nobody's").status_code == 401
    assert change(url, token, user="f" * 32).status_code == 403
    assert change(url, token, old="wrong").json()["error_code"] == "1103"
    assert change(url, token, new=OLD).json()["error_code"] == "1108"
    assert change(url, token, new="aaaaaaaa").json()["error_code"] == "1118"
    done = change(url, token)
    assert (done.status_code, done.content, sim.user(USER).password) == (204, b"", Secret(NEW))
    assert change(url, token, old=NEW, new="Another-1234").status_code == 401


@pytest.mark.parametrize(
    ("policy", "password", "expected"),
    [
        ({}, "short", "1118"),
        ({}, "onlyletters", "1118"),
        ({}, "tobor", "1118"),
        ({"min_length": 14}, NEW, "1118"),
        ({"classes": 4}, "New+pass+word", "1118"),
        ({"max_repeat": 1}, NEW, "1118"),
        ({"min_age": 1441}, NEW, "1118"),
        ({}, OLD, "1108"),
    ],
)
def test_a_password_that_breaks_a_rule_changes_nothing(sdk, sim, policy, password, expected):
    """Each rule of the vendor's page and of the account's policy is held."""
    client = sdk.client(sim.credentials, DOMAIN)
    for name, value in policy.items():
        setattr(sim.policies, name, value)
    assert sdk.refusal(sdk.reset, client, password) == (400, expected)
    assert sim.user(USER).changes == 0


def test_former_passwords_are_refused_as_often_as_the_policy_says(sdk, client, sim):
    """The current one always is; of the former ones as many as are kept."""
    sim.policies.history = 2
    sdk.reset(client)
    assert sdk.refusal(sdk.reset, client, OLD) == (400, "1108")
    sdk.reset(client, "Third-pass-9")
    sdk.reset(client, OLD)


def test_wrong_logins_lock_for_a_while(sdk, client, sim, clock):
    """As many as the policy says, within its period; a right password is refused while the lock holds."""
    for _ in range(sim.policies.tries):
        assert sdk.refusal(sdk.log_in, client, "wrong")[0] == 401
    sim.faults.clear()
    with pytest.raises(sdk.refused, match="locked"):
        sdk.log_in(client)
    clock.sleep(901)
    sdk.log_in(client)


@pytest.mark.parametrize(
    ("switch", "code"), [({"enabled": False}, "IAM.0082"), ({"access_mode": "console"}, "IAM.0081")]
)
def test_a_user_that_may_not_log_in(sdk, client, sim, switch, code):
    """A disabled user, and one for the console only."""
    for name, value in switch.items():
        setattr(sim.user(USER), name, value)
    assert sdk.refusal(sdk.log_in, client) == (403, code)


def test_keys_and_accounts(sdk, sim):
    """A foreign secret, account, user or right is refused; a temporary key needs its token."""
    key = sim.credentials
    assert sdk.refusal(sdk.reset, sdk.client(type(key)(key.key_id, Secret("wrong")), DOMAIN)) == (401, "APIGW.0301")
    assert sdk.refusal(sdk.reset, sdk.client(key, "f" * 32)) == (403, "IAM.0002")
    assert sdk.refusal(sdk.reset, sdk.client(key, DOMAIN), user="f" * 32) == (404, "IAM.0004")
    denied = sim.add_key(denied=frozenset({RESET}))
    assert sdk.refusal(sdk.reset, sdk.client(denied, DOMAIN)) == (403, "APIGW.0302")
    temporary = sim.add_key(token=Secret("a+token/=="))
    assert sdk.refusal(sdk.reset, sdk.client(type(key)(temporary.key_id, temporary.secret), DOMAIN))[0] == 401
    sdk.reset(sdk.client(temporary, DOMAIN))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"auth": {}},
        {"auth": {"identity": {"methods": ["token"]}, "scope": {}}},
        {"auth": {"identity": {"methods": ["password"], "password": {"user": {}}}, "scope": {"domain": {}}}},
    ],
)
def test_a_login_in_another_form_is_refused(url, sim, body):
    """Nothing is opened, and nothing counts as a wrong login."""
    assert requests.post(f"{url}/v3/auth/tokens", json=body, timeout=5).status_code == 400
    assert (sim.users.tokens, sim.user(USER).wrong_logins) == ({}, 0)
    assert [each.operation for each in sim.requests] == [LOGIN]


def test_a_token_is_deleted_once(url, sdk, client, sim):
    """With itself, after which it opens nothing; an unknown call is refused."""
    token = sdk.log_in(client).x_subject_token
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    statuses = [requests.delete(f"{url}/v3/auth/tokens", headers=headers, timeout=5).status_code for _ in range(2)]
    assert (statuses, sim.users.tokens) == ([204, 401], {})
    assert requests.get(f"{url}/v3/nothing", timeout=5).json()["error_code"] == "APIGW.0101"
