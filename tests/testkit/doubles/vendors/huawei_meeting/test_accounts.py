"""The Meeting simulator's login, lock-out and tokens."""

import base64

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import AppKey

WHO, OLD = "bob@corp1", "Old#Pass1"
LOGIN, APP = "/v1/usg/acs/auth/account", "/v2/usg/acs/auth/appauth"
TOKEN = "/v1/usg/acs/token"
NONCE = "0123456789abcdef0123456789abcdef"
# The key of the vectors is made up; no live app id has it.
VECTOR_KEY = AppKey("fdb8e4699586458bbd10c834872dcc62", Secret("APPKEYTEST"))


@pytest.fixture
def app_login(send):
    """Log in with the app id; ``change`` replaces body fields after signing."""

    def call(user_id=WHO, *, expires=0, corp_id="", header="", **change):
        body = {"appId": VECTOR_KEY.app_id, "userId": user_id, "expireTime": expires, "nonce": NONCE, "clientType": 72}
        body |= {"corpId": corp_id} if corp_id else {}
        signature = VECTOR_KEY.sign(user_id, expires, NONCE, corp_id=corp_id)
        access = base64.b64encode(VECTOR_KEY.app_id.encode()).decode()
        full = header or f"HMAC-SHA256 signature={signature}, access={access}"
        return send("POST", APP, json={**body, **change}, headers={"Authorization": full})

    return call


@pytest.mark.parametrize(
    ("corp", "expected"),
    [
        ("", "2ADF0FCE88A3C81691CCD45BB16704FE29A4B7C64189BB54E9B8A722872E193A"),
        ("corp1", "A921CA9471C2BC1F041B71F6F4763D004D63582559AE5B761F18083551C02C07"),
    ],
    ids=["H1", "H2"],
)
def test_app_signature_is_the_vendors(corp, expected):
    """Single-tenant and multi-tenant messages are signed as the vendor's SDK does."""
    assert VECTOR_KEY.sign("alice", 1700000600, NONCE, corp_id=corp) == expected


def test_basic_header_is_the_vendors(sim, send):
    """The vendor's sample header H3 logs alice in."""
    sim.add_account("alice@corp1", Secret("Old#Pass1"))
    body = {"account": "alice@corp1", "clientType": 72, "createTokenType": 1}
    answer = send("POST", LOGIN, json=body, headers={"Authorization": "Basic YWxpY2VAY29ycDE6T2xkI1Bhc3Mx"})
    assert answer.status_code == 200


def test_login_makes_a_token(login, sim, clock):
    """The answer holds token, life, user and the password's age."""
    answer = login()
    body = answer.json()
    assert body["validPeriod"] == 43_200
    assert body["expireTime"] == clock.now() + 43_200
    assert body["createTime"] == clock.now() * 1000
    assert (body["user"]["ucloginAccount"], body["user"]["name"]) == (WHO, "Robert")
    assert (body["pwdExpired"], body["firstLogin"], body["daysPwdAvailable"]) == (False, False, 89)
    assert answer.headers["X-Request-Id"]
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert sim.live_tokens(WHO) == 1


def test_authenticate_only_makes_no_token(login, sim, refusal):
    """A login of type 1 answers right or wrong and leaves no token."""
    body = login(createTokenType=1).json()
    assert not {"accessToken", "refreshToken"} & body.keys()
    assert sim.live_tokens(WHO) == 0
    assert refusal(login("Wrong#1", createTokenType=1)) == (401, "USG.206010000")
    assert sim.wrong_logins(WHO) == 1


def test_password_age_signals(login, sim, clock):
    """The login's answer says that the password has expired or is the first one."""
    sim.account(WHO).first_login = True
    clock.sleep(90 * 86_400)
    body = login().json()
    assert (body["pwdExpired"], body["firstLogin"], body["daysPwdAvailable"]) == (True, True, 0)


def test_password_may_hold_a_colon(login, sim):
    """The Basic header splits on the first colon only."""
    sim.add_account("carol@corp1", Secret("Co:lon:1#"))
    assert login("Co:lon:1#", "carol@corp1").status_code == 200


def test_unknown_account_looks_like_a_wrong_password(login, refusal):
    """The vendor does not tell which accounts exist."""
    assert refusal(login(account="nobody@corp1")) == (401, "USG.206010000")


def test_lock_after_five_and_unlock(login, sim, clock, refusal):
    """Five wrong passwords lock the account; until the time is over even the right one is refused."""
    assert {refusal(login("Wrong#1")) for _ in range(5)} == {(401, "USG.206010000")}
    assert sim.locked(WHO)
    assert refusal(login()) == (423, "USG.206030015")
    clock.sleep(299)
    assert refusal(login()) == (423, "USG.206030015")
    clock.sleep(1)
    assert login().status_code == 200
    assert not sim.locked(WHO)
    assert sim.wrong_logins(WHO) == 5


def test_failures_age_and_are_forgiven(login, sim, clock):
    """Old failures do not count, and a right password clears the count."""
    for _ in range(4):
        login("Wrong#1")
    clock.sleep(300)
    login("Wrong#1")
    assert not sim.locked(WHO)
    login()
    for _ in range(4):
        login("Wrong#1")
    assert not sim.locked(WHO)


def test_lock_threshold_is_a_rule(login, sim):
    """The vendor's threshold is unknown, so it can be set."""
    sim.rules.lock_after = 1
    login("Wrong#1")
    assert sim.locked(WHO)


@pytest.mark.parametrize(("field", "value"), [("disabled", True), ("activated", False)])
def test_account_that_may_not_log_in(login, sim, field, value, refusal):
    """A disabled or never activated account gets 412."""
    setattr(sim.account(WHO), field, value)
    assert refusal(login()) == (412, "USG.206010007")


def test_captcha(login, sim, refusal):
    """The captcha is asked for before the password is looked at."""
    sim.account(WHO).captcha = "7391"
    assert refusal(login("Wrong#1"))[1] == "USG.206010011"
    assert refusal(login(HA2="0000"))[1] == "USG.206010012"
    assert sim.wrong_logins(WHO) == 0
    assert login(HA2="7391").status_code == 200


RIGHT = "Basic " + base64.b64encode(f"{WHO}:{OLD}".encode()).decode()
BODY = {"account": WHO, "clientType": 72, "createTokenType": 0}


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        *((RIGHT, BODY | {"account": account}, "USG.200000003") for account in ("", "a" * 256, "other")),
        (RIGHT, BODY | {"clientType": None}, "USG.200000003"),
        (RIGHT, BODY | {"createTokenType": 2}, "USG.200000003"),
        *((RIGHT, body, "USG.200000003") for body in (None, [])),
        *((header, BODY, "USG.200000004") for header in ("", "Basic ???", "Basic bm9jb2xvbg==", "Bearer Ym9iOng=")),
    ],
)
def test_malformed_logins(send, sim, refusal, header, body, code):  # noqa: PLR0913, PLR0917 - one row of the table
    """Missing, misfitting or contradicting fields and headers are 400 and count against nobody."""
    answer = send("POST", LOGIN, json=body, headers={"Authorization": header})
    assert refusal(answer) == (400, code)
    assert sim.wrong_logins(WHO) == 0


def test_no_json_and_an_unknown_path(send, refusal):
    """A body that is no JSON is 400; an unknown path 404."""
    assert refusal(send("POST", LOGIN, data=b"{")) == (400, "USG.200000003")
    assert refusal(send("GET", "/v1/nowhere")) == (404, "USG.200000004")


def test_api_client_keeps_64_tokens(login, sim, send):
    """A client keeps as many tokens as the rule says, and one more drops the oldest."""
    sim.rules.most_tokens = 3
    tokens = [login().json()["accessToken"] for _ in range(4)]
    valid = [send("POST", TOKEN + "/validate", json={"token": token}).status_code for token in tokens]
    assert valid == [401, 200, 200, 200]


def test_other_clients_kick_their_earlier_session(login, send, refusal):
    """A second web login ends the first; API tokens stay."""
    api, first, second = (login(clientType=kind).json()["accessToken"] for kind in (72, 0, 0))
    answers = [send("POST", TOKEN + "/validate", json={"token": token}) for token in (api, first, second)]
    assert [answer.status_code for answer in answers] == [200, 401, 200]
    assert refusal(answers[1]) == (401, "USG.206020002")


def test_token_life(login, send, clock, refusal):
    """A token expires; its refresh token makes a new one, once; logout ends it."""
    old = login().json()
    clock.sleep(43_200)
    assert refusal(send("POST", TOKEN + "/validate", json={"token": old["accessToken"]})) == (401, "USG.206020000")
    new = send("PUT", TOKEN, headers={"X-Access-Token": old["refreshToken"]}).json()
    assert send("PUT", TOKEN, headers={"X-Access-Token": old["refreshToken"]}).status_code == 401
    assert send("PUT", TOKEN, headers={"X-Access-Token": new["accessToken"]}).status_code == 401
    assert send("DELETE", TOKEN, headers={"X-Access-Token": new["accessToken"]}).status_code == 200
    assert refusal(send("DELETE", TOKEN, headers={"X-Access-Token": new["accessToken"]})) == (401, "USG.206020000")


def test_validate_may_make_a_new_token(login, send, sim):
    """A validation that asks for a new token adds one."""
    old = login().json()["accessToken"]
    new = send("POST", TOKEN + "/validate", json={"token": old, "needGenNewToken": True}).json()["accessToken"]
    assert new != old
    assert sim.live_tokens(WHO) == 2


def test_app_login(app_login, sim):
    """The signature may be in either case, ``access=`` may be missing, and no user is the default administrator."""
    sim.add_account("root@corp1", Secret(OLD)).admin = True
    signature = VECTOR_KEY.sign(WHO, 0, NONCE)
    assert app_login().json()["user"]["ucloginAccount"] == WHO
    assert app_login(header=f"HMAC-SHA256 signature={signature.lower()}").status_code == 200
    assert app_login("").json()["user"]["ucloginAccount"] == "root@corp1"


def test_app_login_of_a_tenant(app_login, sim, refusal):
    """A service provider names the enterprise; its users are not found in another."""
    sim.account(WHO).corp_id = "corp1"
    assert app_login(corp_id="corp1").json()["user"]["companyId"] == "corp1"
    assert refusal(app_login(corp_id="corp2")) == (400, "USG.201040000")


def test_app_login_refusals(app_login, sim, clock, refusal):
    """A wrong signature, access, body, expiry, nonce or user has its own status and code."""
    good = VECTOR_KEY.sign(WHO, 0, NONCE)
    failed = (401, "USG.206010025")
    assert refusal(app_login(header="HMAC-SHA256 signature=" + "0" * 64)) == failed
    assert refusal(app_login(header=f"HMAC-SHA256 signature={good}, access=eA==")) == failed
    assert refusal(app_login(header="Basic x")) == failed
    assert refusal(app_login(expireTime=5)) == failed
    assert refusal(app_login(appId="0" * 32)) == failed
    assert app_login(expires=int(clock.now())).status_code == 200
    assert refusal(app_login(expires=int(clock.now()) - 1)) == (401, "USG.206010057")
    assert refusal(app_login(nonce="short")) == (400, "USG.200000003")
    assert refusal(app_login("nobody")) == (400, "USG.201040000")
    sim.account(WHO).disabled = True
    assert refusal(app_login()) == (412, "USG.206010007")
