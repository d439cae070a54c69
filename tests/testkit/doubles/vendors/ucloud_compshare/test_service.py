"""CompShare's service as simulated: instances, power and resets, driven by the vendor's own SDK."""

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests  # noqa: TID251 - what the SDK sends with

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import SshAddress

OLD, NEW = "Old-pass-1234", "New-pass-5678"
ENCODED = base64.b64encode(NEW.encode()).decode()
RESET, DESCRIBE = "ResetCompShareInstancePassword", "DescribeCompShareInstance"
START, STOP = "StartCompShareInstance", "StopCompShareInstance"


def test_sdk_sees_an_instance(invoke, sim):
    """Describe shows state, kinds, the base64 password and the login command, and pages."""
    sim.instance("uhost-box").ssh = SshAddress("root", "198.51.100.7", 2222)
    answer = invoke(DESCRIBE, UHostIds=["uhost-box"])
    (host,) = answer["UHostSet"]
    assert answer["TotalCount"] == 1
    assert base64.b64decode(host["Password"]).decode() == OLD
    assert host["SshLoginCommand"] == "ssh -p 2222 root@198.51.100.7"
    assert (host["State"], host["InstanceType"], host["OsType"]) == ("Running", "Container", "Linux")
    assert [h["UHostId"] for h in invoke(DESCRIBE, Offset=1, Limit=1)["UHostSet"]] == ["uhost-vm"]
    assert invoke(DESCRIBE, UHostIds=["uhost-nobody"])["UHostSet"] == []


def test_legacy_password_is_shown_plain(invoke, sim):
    """Old instances may show a password that is not base64."""
    sim.instance("uhost-box").plain_password = True
    assert invoke(DESCRIBE, UHostIds=["uhost-box"])["UHostSet"][0]["Password"] == OLD


def test_container_resets_online(reset, sim):
    """A running container takes the new password at once, and its old one no more."""
    assert reset("uhost-box")["RetCode"] == 0
    login = sim.guest_login("uhost-box")
    assert login("root", NEW)
    assert not login("root", OLD)
    assert not login("ubuntu", NEW)
    assert (sim.resets("uhost-box"), sim.attempts("uhost-box")) == (1, 1)


def test_vm_needs_the_whole_power_cycle(invoke, reset, sim, clock, refusal):
    """A host refuses with 8010 until it is Stopped; states pass with the clock."""
    for _ in range(2):
        assert refusal(reset, "uhost-vm") == 8010
        if sim.running("uhost-vm"):
            invoke(STOP, "uhost-vm")
    assert sim.instance("uhost-vm").state == "Stopping"
    clock.sleep(10)
    assert invoke(DESCRIBE, UHostIds=["uhost-vm"])["UHostSet"][0]["State"] == "Stopped"
    reset("uhost-vm")
    invoke(START, "uhost-vm")
    assert sim.instance("uhost-vm").state == "Starting"
    clock.sleep(20)
    assert sim.running("uhost-vm")
    assert (sim.resets("uhost-vm"), sim.attempts("uhost-vm")) == (1, 3)
    assert (sim.instance("uhost-vm").stops, sim.instance("uhost-vm").starts) == (1, 1)


@pytest.mark.parametrize(("switch", "uhost_id"), [("not_stopped", "uhost-vm"), ("weak_password", "uhost-box")])
def test_undocumented_codes_are_switches(reset, sim, switch, uhost_id, refusal):
    """No document names the codes for a wrong state and a weak password through CompShare."""
    setattr(sim.codes, switch, 8006)
    assert refusal(reset, uhost_id, "weak") == 8006


def test_reboot_and_reinstall(invoke, sim, clock):
    """Both pass through their own state and end Running; a reinstall may set a password."""
    invoke("RebootCompShareInstance", "uhost-vm")
    assert sim.instance("uhost-vm").state == "Rebooting"
    clock.sleep(20)
    invoke(STOP, "uhost-vm")
    clock.sleep(10)
    invoke("ReinstallCompShareInstance", "uhost-vm", CompShareImageId="img-1", Password=ENCODED)
    assert sim.instance("uhost-vm").state == "Reinstalling"
    clock.sleep(20)
    assert sim.running("uhost-vm")
    assert sim.guest_password("uhost-vm") == Secret(NEW)
    assert sim.resets("uhost-vm") == 0


def test_start_may_find_no_capacity(invoke, sim, clock, refusal):
    """A start without capacity is 226604 and leaves the instance Stopped; a start without GPU succeeds."""
    invoke(STOP, "uhost-vm")
    clock.sleep(10)
    sim.service.capacity = False
    assert refusal(invoke, START, "uhost-vm") == 226604
    assert sim.instance("uhost-vm").state == "Stopped"
    invoke(START, "uhost-vm", WithoutGpu=True)
    clock.sleep(20)
    assert sim.running("uhost-vm")


def test_spot_cannot_be_stopped(invoke, sim, refusal):
    """A spot instance has no power switch."""
    sim.instance("uhost-vm").charge_type = "Spot"
    assert refusal(invoke, STOP, "uhost-vm") == sim.codes.spot_stop
    assert sim.running("uhost-vm")


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("expired", True, 226602),
        ("arrears", True, 226601),
        ("deleted", True, 8039),
        *(("state", state, 8905) for state in ("Starting", "Stopping", "Install Fail", "")),
    ],
)
def test_unusable_instances(reset, sim, refusal, *, field, value, code):  # noqa: PLR0913 - one row of the table
    """An unpaid, expired, deleted or passing instance refuses with its own code and keeps its password."""
    setattr(sim.instance("uhost-box"), field, value)
    assert refusal(reset, "uhost-box") == code
    assert sim.guest_password("uhost-box") == Secret(OLD)


@pytest.mark.parametrize(
    ("kind", "os_type", "password", "accepted"),
    [
        ("Container", "Linux", "aaaaaa1", False),
        ("Container", "Linux", "aaaaaaa1", True),
        ("Container", "Linux", "a1" * 16, True),
        ("Container", "Linux", "a1" * 16 + "a", False),
        ("Container", "Linux", "aaaaaaaa", False),
        ("Container", "Linux", 'aaaaaa1"', False),
        ("Container", "Linux", "aaaaaa1\\", False),
        ("Container", "Linux", "aaaaaa 1", False),
        ("Container", "Linux", "aaaaaa1é", False),
        ("Container", "Linux", "a`(]/;'<", True),
        ("UHost", "Linux", "a1" * 15, True),
        ("UHost", "Linux", "a1" * 15 + "a", False),
        ("UHost", "Windows", "aaaaaaa1", False),
        ("UHost", "Windows", "Aaaaaaa1", True),
        ("UHost", "Windows", "Aaa1xADMx", False),
        ("UHost", "Windows", "Aaa1xnisx", False),
        ("UHost", "Windows", "Aaa1xnstx", False),
        ("UHost", "Windows", "Aaa1xadx", True),
    ],
)
def test_vendors_password_rule(reset, sim, refusal, *, kind, os_type, password, accepted):  # noqa: PLR0913 - one row of the table
    """Length, characters, kinds and Windows' forbidden runs are checked by target."""
    sim.add_instance("uhost-x", password=Secret(OLD), instance_type=kind, os_type=os_type, state="Stopped")
    if accepted:
        reset("uhost-x", password)
    else:
        assert refusal(reset, "uhost-x", password) == 230
    assert sim.guest_password("uhost-x") == Secret(password if accepted else OLD)


def test_guest_may_ignore_a_reset(reset, invoke, sim):
    """RetCode 0 and the read-back lie when the image's default account was changed."""
    sim.instance("uhost-box").guest_ignores_reset = True
    reset("uhost-box")
    shown = invoke(DESCRIBE, UHostIds=["uhost-box"])["UHostSet"][0]["Password"]
    assert shown == ENCODED
    assert sim.guest_password("uhost-box") == Secret(OLD)


def test_guest_may_take_a_while(reset, sim, clock):
    """The read-back shows the new password at once; the guest takes it after its delay."""
    sim.service.delays.guest = 30
    reset("uhost-box")
    assert sim.guest_password("uhost-box") == Secret(OLD)
    clock.sleep(30)
    assert sim.guest_password("uhost-box") == Secret(NEW)


def test_reset_in_progress_refuses_another(reset, sim, clock, refusal):
    """Another reset is 8034 until the first is over."""
    sim.service.delays.reset = 15
    reset("uhost-box")
    assert refusal(reset, "uhost-box") == 8034
    clock.sleep(15)
    reset("uhost-box")
    assert (sim.resets("uhost-box"), sim.attempts("uhost-box")) == (2, 3)


def test_parallel_resets_do_not_overlap(reset, sim, refusal):
    """While one reset has not been answered, a second client gets 8034."""
    let_go, reached = threading.Event(), threading.Event()
    sim.faults.add(RESET, FaultKind.HANG, applied=True, event=let_go, reached=reached)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(reset, "uhost-box")
        assert reached.wait(5)
        code = refusal(reset, "uhost-box")
        let_go.set()
        assert first.result(5)["RetCode"] == 0
    assert code == 8034
    assert sim.resets("uhost-box") == 1


def test_many_clients_at_once(reset, sim):
    """Resets of different instances run side by side and each takes effect once."""
    for number in range(8):
        sim.add_instance(f"uhost-{number}", password=Secret(OLD))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: reset(f"uhost-{number}", f"{NEW}{number}"), range(8)))
    for number in range(8):
        assert sim.guest_password(f"uhost-{number}") == Secret(f"{NEW}{number}")
        assert sim.resets(f"uhost-{number}") == 1


@pytest.mark.parametrize("action", [DESCRIBE, RESET, STOP, START])
def test_every_documented_code_arrives(invoke, sim, refusal, documented, action):
    """Each code comes with a text of its own, in answer to each call of a rotation; nothing is changed."""
    codes, _ = documented("ucloud_compshare")
    for code in codes:
        sim.faults.add(action, FaultKind.VENDOR_CODE, code=code)
        assert str(refusal(invoke, action, "uhost-box", Password="")) == code
    instance = sim.instance("uhost-box")
    assert (instance.resets, instance.stops, instance.starts) == (0, 0, 0)


def test_a_request_that_was_changed_on_its_way_is_refused(reset, sim, refusal, monkeypatch):
    """The signature covers the password."""
    send = requests.Session.send

    def tamper(session, prepared, **options):
        body = str(prepared.body).replace("Password=", "Password=QUFB")
        prepared.body = body
        prepared.headers["Content-Length"] = str(len(body))
        return send(session, prepared, **options)

    monkeypatch.setattr(requests.Session, "send", tamper)
    assert refusal(reset, "uhost-box") == 171
    assert sim.guest_password("uhost-box") == Secret("Old-pass-1234")
