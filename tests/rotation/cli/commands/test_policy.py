"""``lockstep policy``, ``generate`` and ``check``."""

import json
import re

import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy import Context

VENDOR_POLICIES = vendor_policies()
CANARY = b"canary-Canary-4711"


@pytest.mark.parametrize("code", VENDOR_POLICIES)
def test_every_vendors_policies_are_shown(lockstep, code):
    """Each variant is one JSON object with exact numbers and sources, also where there is no driver yet."""
    found = lockstep("policy", code, "--json").objects
    assert [each["variant"] for each in found] == list(VENDOR_POLICIES[code])
    for each in found:
        assert int(each["size"]) == VENDOR_POLICIES[code][each["variant"]].size()
        assert each["sources"]


def test_the_table_names_rules_numbers_and_doubts(lockstep):
    """The table has the rules, the size of the accepted set and what is doubtful about the sources."""
    ran = lockstep("policy", "huawei_meeting")
    size = VENDOR_POLICIES["huawei_meeting"]["default"].size()
    assert ran.code == 0
    for text in ("max_repeat", "min_age_seconds", str(size), "in doubt"):
        assert text in ran.out


def test_other_languages_come_with_what_they_lose(lockstep):
    """HCL and JSON Schema go to standard output as they are, the gaps to standard error or into the object."""
    hcl = lockstep("policy", "ucloud_compshare", "--variant", "linux", "--format", "hcl")
    assert hcl.out.startswith("length = 30\n")
    assert "not expressed: history" in hcl.err
    schema = lockstep("policy", "huawei_meeting", "--format", "schema")
    assert json.loads(schema.out)["maxLength"] == 32
    (arguments,) = lockstep("policy", "huawei_meeting", "--format", "get-random-password", "--json").objects
    assert arguments["data"]["PasswordLength"] == 32
    assert any(gap.startswith("max_repeat") for gap in arguments["not_expressed"])
    assert lockstep("policy", "huawei_meeting", "--format", "markdown").out.startswith("### huawei_meeting/default")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("policy", "ucloud_compshare", "--format", "hcl"), "usage_error"),
        (("policy", "ucloud_compshare", "--variant", "beos"), "usage_error"),
        (("policy", "acme"), "unknown_driver"),
        (("generate", "acme"), "unknown_driver"),
        (("check", "acme"), "unknown_driver"),
        (("policy", "huawei_meeting", "--format", "hcl"), "policy_error"),
        (("generate", "ucloud_compshare", "--length", "99"), "policy_error"),
        (("generate", "ucloud_compshare", "--exclude", "\x07"), "policy_error"),
        (("generate", "huawei_meeting", "--username", "a" * 10_000), "policy_error"),
    ],
)
def test_what_the_policy_cannot_do_is_wrong_usage(lockstep, arguments, code):
    """Unknown codes and variants, and options beyond the vendor's bounds, exit 2 with a code and a hint."""
    ran = lockstep(*arguments, "--json")
    (error,) = ran.objects
    assert (ran.code, error["code"], bool(error["hint"])) == (2, code, True)


@pytest.mark.shows_secrets("captured output", reason="that is what the command is for")
@pytest.mark.parametrize("code", VENDOR_POLICIES)
def test_generated_candidates_satisfy_the_policy(lockstep, code):
    """Each candidate is one line or object, differs from the others and breaks no rule."""
    name, policy = next(iter(VENDOR_POLICIES[code].items()))
    plain = lockstep("generate", code, "-n", "20", "--username", "alice")
    objects = lockstep("generate", code, "-n", "20", "--username", "alice", "--json").objects
    candidates = [*plain.out.splitlines(), *(each["password"] for each in objects)]
    assert len(set(candidates)) == 40
    assert {each["variant"] for each in objects} == {name}
    for candidate in candidates:
        assert policy.problems(Secret(candidate), Context(username="alice")) == ()


@pytest.mark.shows_secrets("captured output", reason="that is what the command is for")
def test_an_operators_options_narrow_the_policy(lockstep):
    """``--exclude``, ``--length`` and the safe alphabets are obeyed."""
    ran = lockstep("generate", "ucloud_compshare", "-n", "20", "--length", "12", "--shell-safe", "--exclude", "0Ol1")
    for candidate in ran.out.splitlines():
        assert len(candidate) == 12
        assert not set(candidate) & set("0Ol1 $'\"`\\&|;<>*?[]{}()!#~")


def test_verdicts_go_by_line_number_and_quote_nothing(lockstep):
    """Each line gets its verdict with rule codes; no candidate is ever printed."""
    lines = b"\n".join([CANARY, CANARY[:4], b"\xff\xfe" + CANARY, CANARY + b"aaa"])
    plain = lockstep("check", "huawei_meeting", "--username", "alice", stdin=lines)
    found = lockstep("check", "huawei_meeting", "--username", "alice", "--json", stdin=lines).objects
    codes = [[problem["code"] for problem in each["problems"]] for each in found]
    assert plain.code == 1
    assert [(each["line"], each["accepted"]) for each in found] == [(1, True), (2, False), (3, False), (4, False)]
    assert codes == [[], ["too_short", "classes"], ["character"], ["max_repeat"]]
    assert re.search(r"line 2: .*too_short", plain.out)
    assert CANARY[:4].decode() not in plain.out + plain.err + json.dumps(found)


def test_accepted_candidates_exit_0_and_line_ends_do_not_count(lockstep):
    """Carriage returns of Windows files are no part of the candidate."""
    ran = lockstep("check", "huawei_meeting", "--json", stdin=CANARY + b"\r\n")
    assert (ran.code, ran.objects[0]["accepted"]) == (0, True)


def test_the_first_line_can_be_the_previous_password(lockstep):
    """With ``--previous`` a candidate too close to the first line is refused, and the first line gets no verdict."""
    ran = lockstep("check", "huawei_meeting", "--previous", "--json", stdin=CANARY + b"\n" + CANARY[:-1] + b"2\n")
    (verdict,) = ran.objects
    assert (verdict["line"], [problem["code"] for problem in verdict["problems"]]) == (2, ["distance"])


@pytest.mark.shows_secrets("captured output", reason="that is what the command is for")
def test_what_the_deployment_asks_for_holds_for_passwords_made_here(lockstep, monkeypatch):
    """``policy`` shows it, or why it cannot be met; ``generate`` keeps it, and its own options come first."""
    monkeypatch.setenv("LOCKSTEP_PASSWORD_LENGTH", "31")
    monkeypatch.setenv("LOCKSTEP_UCLOUD_COMPSHARE_PASSWORD_URL_SAFE", "1")
    monkeypatch.setenv("LOCKSTEP_DRIVERS", "ucloud_compshare")
    container, linux, _ = lockstep("policy", "ucloud_compshare", "--json").objects
    assert container["wishes"]["asked_for"] == "31 characters, safe in a URL"
    assert container["wishes"]["classes"] == ["lower", "upper", "digit", "special"]
    assert "31 is not within 8 to 30" in linux["wishes"]["refused"]
    assert "no new passwords" in lockstep("policy", "ucloud_compshare").out
    (made,) = lockstep("generate", "ucloud_compshare").out.splitlines()
    assert (len(made), set(made) & set("()[]&+")) == (31, set())
    options = ("--length", "12", "--classes", "upper digit")
    (made,) = lockstep("generate", "ucloud_compshare", *options, "--exclude", "abcdefghij").out.splitlines()
    assert (len(made), any(map(str.isupper, made)), any(map(str.isdigit, made))) == (12, True, True)
    assert lockstep("generate", "ucloud_compshare", "--classes", "!").code == 2
