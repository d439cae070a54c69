"""``lockstep doctor`` over the wire: the strict Secrets Manager and a vendor with lock-outs."""

from rotation.state.stages import CURRENT, PENDING
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.sandbox.sandbox import HUAWEI

CHANGE = "PUT /v1/usg/acs/password"
HUAWEI_ID = "lockstep/huawei_meeting"


def lost_reply(lockstep, world):
    """Begin a rotation whose change is applied and whose answer is lost; return its token."""
    world.huawei.faults.add(CHANGE, FaultKind.DROP_AFTER)
    ran = lockstep("rotate", HUAWEI_ID, "--json")
    assert ran.code == 1
    return ran.objects[0]["token"]


def strip_label(world, label):
    """Remove a label from the version that has it, by hand."""
    (version,) = (each for each, labels in world.secrets_manager.labels(HUAWEI_ID).items() if label in labels)
    world.secrets_manager.call(
        "UpdateSecretVersionStage", SecretId=HUAWEI_ID, VersionStage=label, RemoveFromVersionId=version
    )


def test_a_healthy_secret_exits_0(lockstep, embedded):
    """One login works, every version is shown, no password is, and every label stays."""
    before = embedded.secrets_manager.labels(HUAWEI_ID)
    ran = lockstep("doctor", HUAWEI_ID, "--json")
    (printed,) = ran.objects
    assert (ran.code, printed["condition"], printed["plan"]) == (0, "healthy", [])
    (version,) = printed["versions"]
    assert (version["stages"], version["password"], version["evidence"]) == ([CURRENT], "live", "LOGIN")
    assert printed["live"] == version["version"]
    assert embedded.wrong_logins(HUAWEI) == 0
    assert embedded.secrets_manager.labels(HUAWEI_ID) == before
    assert embedded.live(HUAWEI).reveal() not in ran.out + ran.err


def test_what_is_planned_is_done_with_repair(lockstep, embedded):
    """Exit code 4 asks for --repair and nothing moves; with it the live candidate becomes current, and all is well."""
    token = lost_reply(lockstep, embedded)
    before = embedded.secrets_manager.labels(HUAWEI_ID)
    ran = lockstep("doctor", HUAWEI_ID)
    assert ran.code == 4
    assert f"promote {token}" in ran.out
    assert "add --repair" in ran.out
    assert "readers may hold a dead password since 20" in ran.out
    assert embedded.secrets_manager.labels(HUAWEI_ID) == before
    ran = lockstep("doctor", HUAWEI_ID, "--repair", "--json")
    (printed,) = ran.objects
    assert (ran.code, printed["repair"]["condition"]) == (0, "healthy")
    assert printed["repair"]["done"] == [{"do": "promote", "version": token}]
    assert embedded.stored(HUAWEI) == embedded.live(HUAWEI)
    assert {CURRENT, PENDING} <= next(
        each for each in embedded.secrets_manager.labels(HUAWEI_ID).values() if CURRENT in each
    )
    assert (embedded.changes(HUAWEI), embedded.wrong_logins(HUAWEI)) == (1, 0)
    assert lockstep("doctor", HUAWEI_ID, "--json").objects[0]["condition"] == "healthy"


def test_a_finished_rotation_alarms_nobody(lockstep, embedded):
    """A live current version was set by a rotation; only of another one a reset may have been sent."""
    assert lockstep("rotate", HUAWEI_ID).code == 0
    shown = lockstep("doctor", HUAWEI_ID).out
    assert "set by a rotation, 20" in shown
    assert "may have been sent" not in shown
    assert embedded.wrong_logins(HUAWEI) == 0


def test_a_stripped_label_is_no_loss(lockstep, embedded):
    """A candidate whose AWSPENDING was removed by hand, as common advice says, is still found and promoted."""
    token = lost_reply(lockstep, embedded)
    strip_label(embedded, PENDING)
    ran = lockstep("doctor", HUAWEI_ID, "--repair")
    assert ran.code == 0
    assert f"done: promote {token}" in ran.out
    assert embedded.stored(HUAWEI) == embedded.live(HUAWEI)
    assert embedded.wrong_logins(HUAWEI) == 1


def test_an_outside_change_exits_4_and_says_what_to_do(lockstep, embedded, put_by_hand):
    """A human alone knows the password; nothing is tried twice, and nothing moves."""
    put_by_hand(HUAWEI_ID, "Outside0Password0Outs")
    strip_label(embedded, "AWSPREVIOUS")
    ran = lockstep("doctor", HUAWEI_ID, "--repair", "--json")
    assert (ran.code, ran.objects[0]["condition"]) == (4, "needs a human")
    assert "new version" in ran.objects[0]["advice"]
    assert ran.objects[0]["versions"][0]["wrong_logins"] == embedded.wrong_logins(HUAWEI) == 1


def test_a_locked_account_exits_3_with_the_time(lockstep, embedded):
    """A second examination does not reach the vendor."""
    embedded.huawei.faults.add("POST /v1/usg/acs/auth/account", FaultKind.VENDOR_CODE, code="USG.206030015")
    assert lockstep("doctor", HUAWEI_ID).code == 3
    calls = len(embedded.huawei.requests)
    ran = lockstep("doctor", HUAWEI_ID, "--json")
    assert (ran.code, ran.objects[0]["condition"]) == (3, "waiting")
    assert ran.objects[0]["not_before"] > embedded.clock.now()
    assert len(embedded.huawei.requests) == calls
