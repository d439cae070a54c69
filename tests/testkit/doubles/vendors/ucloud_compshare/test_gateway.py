"""The CompShare simulator's gateway: signatures, parameters, keys; driven by the vendor's SDK and raw requests."""

import base64

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import ApiKey, UCloudCompShare, signature

OLD, NEW = "Old-pass-1234", "New-pass-5678"
ENCODED = {password: base64.b64encode(password.encode()).decode() for password in (OLD, NEW)}
PLACE = {"Region": "cn-wlcb", "Zone": "cn-wlcb-01"}
RESET, DESCRIBE = "ResetCompShareInstancePassword", "DescribeCompShareInstance"
SAMPLE = Secret("my_private_key")  # the vendor SDK's doctest


@pytest.fixture
def signed(sim):
    """Sign parameters for a raw request."""

    def params(action, **more):
        full = {"Action": action, "PublicKey": sim.credentials.public_key, **more}
        return {**full, "Signature": signature(full, sim.credentials.private_key)}

    return params


@pytest.mark.parametrize(
    ("public", "private", "params", "expected"),
    [
        (
            "ucloudsomeone@example.com1296235120854146120",
            "46f09bb9fab4f12dfc160dae12273d5332b5debe",
            {"Action": "DescribeUHostInstance", "Region": "cn-bj2", "Limit": "10"},
            "cba5cf5ec4d4233d206b1b54951e3787350a642f",
        ),
        ("my_public_key", "my_private_key", {"foo": "bar"}, "d4411ab30953fb0bbcb1e7313081f05e4e91a394"),
        (None, "my_private_key", {"foo": "bar"}, "634edc1bb957c0d65e5ab5494cf3b7784fbc87af"),
        (
            "my_public_key",
            "my_private_key",
            {
                "Action": DESCRIBE,
                "Region": "cn-wlcb",
                "UHostIds.0": "uhost-test",
                "Limit": "20",
                "Offset": "0",
                "WithoutGpu": "false",
                "F": "42",
            },
            "02d2b205f11d06f1f44985de20d7354bb8105d52",
        ),
    ],
    ids=["U1", "U2", "U3", "U5"],
)
def test_signature_is_the_vendors(public, private, params, expected):
    """The published samples come out the same, with the documentation's keys; Signature itself is not signed."""
    full = params | ({"PublicKey": public} if public else {})
    assert signature({**full, "Signature": "x"}, Secret(private)) == expected


def test_documented_reset_request_is_accepted_byte_for_byte():
    """Golden vector U4, sent as a form, resets the sample instance."""
    sim = UCloudCompShare(credentials=ApiKey("my_public_key", SAMPLE))
    sim.add_instance("uhost-test", password=Secret(OLD), project_id="org-test")
    body = (
        "Action=ResetCompShareInstancePassword&Region=cn-wlcb&Zone=cn-wlcb-01&UHostId=uhost-test"
        "&Password=TXlOZXdQYXNzd29yZDEyMyE%3D&ProjectId=org-test&PublicKey=my_public_key"
        "&Signature=fa7ae363941a38270dad5577cf09e66dd7b201f7"
    )
    with sim.serve() as url:
        answer = requests.post(url, data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}, timeout=5)
    assert answer.json() == {"Action": RESET, "RetCode": 0, "UHostId": "uhost-test"}
    assert answer.headers["X-UCLOUD-REQUEST-UUID"]
    assert sim.guest_password("uhost-test") == Secret("MyNewPassword123!")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"UHostId": None}, 220),
        ({"Zone": None}, 220),
        ({"Password": None}, 220),
        ({"Password": "not base64!"}, 230),
        ({"Password": base64.b64encode(b"\xff\xfe\xfd").decode()}, 230),
        ({"UHostId": "uhost-nobody"}, 230),
        ({"Region": "cn-bj2"}, 230),
        ({"Zone": "cn-bj2-01"}, 293),
        ({"ProjectId": "org-nobody"}, 292),
        ({"Action": DESCRIBE, "Limit": "101"}, 230),
        ({"Action": DESCRIBE, "Limit": "x"}, 230),
        ({"Action": DESCRIBE, "Limit": "1", "Offset": "-1"}, 230),
    ],
    ids=str,
)
def test_bad_parameters(invoke, sim, change, code, refusal):
    """Each missing or unknown parameter has its own code; a page has at most 100 entries."""
    sent = {"Action": RESET, **PLACE, "UHostId": "uhost-box", "Password": ENCODED[NEW], **change}
    assert refusal(invoke, sent.pop("Action"), **sent) == code
    assert sim.resets("uhost-box") == 0


def test_wrong_and_unknown_keys(sim, refusal, sdk):
    """A wrong private key is 171, an unknown public key 172."""
    for key, code in [
        (ApiKey(sim.credentials.public_key, Secret("guess")), 171),
        (ApiKey("nobody", sim.credentials.private_key), 172),
    ]:
        assert refusal(sdk(key).invoke, DESCRIBE, {}) == code


def test_gateway_codes(sim, url, signed):
    """Missing or unknown actions, signatures, keys and tokens, and changed parameters, have their own codes."""
    good = signed(DESCRIBE)
    cases = {
        160: {k: v for k, v in good.items() if k != "Action"},
        161: signed("PoweroffCompShareInstance"),
        170: {k: v for k, v in good.items() if k != "Signature"},
        171: {**good, "Limit": "1"},
        172: {k: v for k, v in good.items() if k != "PublicKey"},
        174: {**good, "SecurityToken": "x"},
    }
    for code, params in cases.items():
        assert requests.post(url, data=params, timeout=5).json()["RetCode"] == code
    assert [line.outcome for line in sim.requests] == [f"RetCode {code}" for code in cases]


def test_every_way_to_send_parameters(url, signed):
    """Form, query and JSON (whose lists, booleans and numbers are flattened before signing) are the same call."""
    flat = {"Limit": "20", "Flag": "false", "F": "42", "UHostIds.0": "uhost-box"}
    params = signed(DESCRIBE, **flat)
    head = {key: params[key] for key in ("Action", "PublicKey", "Signature")}
    document = {**head, "Limit": 20, "Flag": False, "F": 42.0, "UHostIds": ["uhost-box"]}
    answers = [
        requests.post(url, data=params, timeout=5).json(),
        requests.get(url, params=params, timeout=5).json(),
        requests.post(url, json=document, timeout=5).json(),
    ]
    assert [answer["TotalCount"] for answer in answers] == [1, 1, 1]


def test_captured_request_can_be_replayed(sim, url, signed):
    """Nothing that is signed ages: an old reset sets the old password back."""
    first = signed(RESET, **PLACE, UHostId="uhost-box", Password=ENCODED[NEW])
    second = signed(RESET, **PLACE, UHostId="uhost-box", Password=ENCODED[OLD])
    for params in (first, second, first):
        assert requests.post(url, data=params, timeout=5).json()["RetCode"] == 0
    assert sim.guest_password("uhost-box") == Secret(NEW)


def test_sub_account_must_name_its_project(sim, refusal, sdk):
    """Without ProjectId such a key gets 220; with it only that project's instances are seen."""
    sim.add_instance("uhost-other", password=Secret(OLD), project_id="org-two")
    key = sim.add_key(require_project=True)
    assert refusal(sdk(key).invoke, DESCRIBE, {}) == 220
    answer = sdk(key, project_id="org-two").invoke(DESCRIBE, {})
    assert [host["UHostId"] for host in answer["UHostSet"]] == ["uhost-other"]


def test_iam_denies_an_action(sim, refusal, sdk):
    """A key without the right gets 299 for that action only."""
    client = sdk(sim.add_key(denied=frozenset({RESET})))
    assert refusal(client.invoke, RESET, {**PLACE, "UHostId": "uhost-box", "Password": ENCODED[NEW]}) == 299
    assert client.invoke(DESCRIBE, {})["RetCode"] == 0


def test_both_ways_to_echo_the_action(invoke, sim):
    """The vendor's pages disagree on a "Response" suffix."""
    assert invoke(DESCRIBE)["Action"] == DESCRIBE
    sim.action_suffix = True
    assert invoke(DESCRIBE)["Action"] == DESCRIBE + "Response"
