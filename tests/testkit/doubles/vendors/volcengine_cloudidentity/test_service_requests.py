"""The cloudidentity simulator's requests: one fault each in action, version, method, age and fields."""

import pytest

from rotation.core.secret import Secret

OLD, NEW = "Old-pass-1234", "New-pass-5678"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Action", "VerifyPassword", (404, "InvalidActionOrVersion", 100008)),
        ("Version", "2020-01-01", (404, "InvalidActionOrVersion", 100008)),
        ("Action", "", (400, "MissingParameter", 100002)),
        ("Version", "", (400, "MissingParameter", 100002)),
    ],
)
def test_query(raw, name, value, expected):
    """A missing or unknown action or version has its own code."""
    raw.query[name] = value
    assert raw.send() == expected


def test_a_password_never_travels_in_a_query(raw, sim):
    """Changes are POST only; reads may be GET, with their fields in the query."""
    raw.method, raw.document = "GET", b""
    raw.query |= {"UserId": "u-alice", "Password": NEW}
    assert raw.send() == (405, "MethodNotAllowed", None)
    raw.query = {"Action": "GetUser", "Version": "2023-01-01", "UserId": "u-alice"}
    assert raw.send()[1] == "ok"
    raw.query = {"Action": "ListUsers", "Version": "2023-01-01", "PageSize": "1"}
    assert raw.send()[1] == "ok"
    raw.method = "PUT"
    assert raw.send() == (405, "MethodNotAllowed", None)
    assert sim.attempts("u-alice") == 0


def test_expiry_may_be_shortened(raw, clock):
    """X-Expires narrows the window after X-Date."""
    raw.headers["x-expires"] = "60"
    clock.sleep(55)
    assert raw.send()[1] == "ok"
    clock.sleep(7)
    assert raw.send() == (400, "InvalidTimestamp", 100006)
    del raw.headers["x-expires"]
    clock.sleep(828)
    assert raw.send()[1] == "ok"
    clock.sleep(12)
    assert raw.send()[1] == "InvalidTimestamp"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"UserId": None}, "ParamMissing"),
        ({"Password": None}, "ParamMissing"),
        ({"PasswordResetRequired": None}, "ParamMissing"),
        ({"GenerateRandomPassword": None}, "ParamMissing"),
        ({"PasswordResetRequired": "false"}, "InvalidParam"),
        ({"UserId": 1}, "InvalidParam"),
        ({"Password": "Short1!"}, "InvalidParam"),
    ],
    ids=str,
)
def test_fields_of_a_reset(raw, sim, change, code):
    """Each field is needed (the password unless one is generated) and has its type."""
    raw.document = {name: value for name, value in (raw.document | change).items() if value is not None}
    assert raw.send()[:2] == (400, code)
    assert sim.live_password("u-alice") == Secret(OLD)


def test_bodies(raw):
    """A body that is no JSON object is InvalidParam."""
    for body in (b"", b"[]", b"UserId=e"):
        raw.document = body
        assert raw.send()[:2] == (400, "InvalidParam")


@pytest.mark.parametrize(
    ("action", "fields", "code"),
    [
        ("CreateUser", {}, "ParamMissing"),
        ("CreateUser", {"UserName": "x" * 55}, "InvalidParam"),
        ("UpdateUser", {"UserId": "u-alice", "Phone": "1" * 21}, "InvalidParam"),
        ("ListUsers", {"PageSize": 101}, "InvalidParam"),
        ("ListUsers", {"PageNumber": 0}, "InvalidParam"),
        ("ListUsers", {"PageNumber": "x"}, "InvalidParam"),
    ],
)
def test_fields_of_other_actions(raw, action, fields, code):
    """Lengths and ranges as the vendor's SDK checks them, held on the server, too."""
    raw.query["Action"], raw.document = action, fields
    assert raw.send()[:2] == (400, code)


def test_access_log_names_actions_and_codes_only(raw, sim):
    """The access log holds actions and codes, and no value of a request."""
    raw.send()
    raw.document["Password"] = "weakweakweak"
    raw.send()
    raw.query["Action"] = "Unknown"
    raw.send()
    seen = [(line.operation, line.outcome) for line in sim.requests]
    assert seen == [("ResetPassword", "ok"), ("ResetPassword", "InvalidParam"), ("-", "InvalidActionOrVersion")]
