"""``lockstep drivers``: the list, one driver, and what stands behind each."""

from rotation.drivers.registry import driver_codes


def test_the_list_says_how_far_each_driver_is_proved(lockstep):
    """No driver ever ran against its live vendor, and the list says so."""
    ran = lockstep("drivers", "--json")
    found = {each["code"]: each for each in ran.objects}
    assert ran.code == 0
    assert {"huawei_meeting", "ucloud_compshare"} <= found.keys()
    assert {each["status"] for each in found.values()} == {"documented"}
    assert found["huawei_meeting"]["authority"] == "self"
    assert found["ucloud_compshare"]["evidence"] == "LOGIN"


def test_one_driver_shows_what_its_secrets_must_hold(lockstep):
    """The settings of both secrets and the vendor's error codes are there, in words and as JSON."""
    ran = lockstep("drivers", "ucloud_compshare")
    (facts,) = lockstep("drivers", "ucloud_compshare", "--json").objects
    account = {row["name"]: row["required"] for row in facts["account_settings"]}
    assert account["uhost_id"] is True
    assert account["host_key"] is False
    assert {row["name"] for row in facts["admin_settings"]} == {"public_key", "private_key", "session_token"}
    assert {"vendor_code", "on", "code", "meaning", "hint"} == facts["errors"][0].keys()
    for name in (*account, "public_key", facts["errors"][0]["vendor_code"], "documented"):
        assert name in ran.out


def test_the_evidence_is_shown_for_each_driver(lockstep):
    """A row names the SDKs that drive the simulator, the real servers of its logins, and whether it ever ran live."""
    found = {each["code"]: each for each in lockstep("drivers", "--verified-by", "--json").objects}
    assert sorted(found) == sorted(driver_codes())
    row = found["ucloud_compshare"]
    assert row["sdks"] == ["ucloud-sdk-python3"]
    assert row["real_servers"] == {"ssh": "OpenSSH", "winrm": None}
    assert row["ran_live"] is False
    words = lockstep("drivers", "ucloud_compshare", "--verified-by").out
    for word in ("ucloud-sdk-python3", "ssh: OpenSSH, winrm: none", "never", row["documents_read"]):
        assert word in words
