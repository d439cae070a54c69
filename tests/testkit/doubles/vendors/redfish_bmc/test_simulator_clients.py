"""The simulated controller, driven by the clients ``redfish`` and ``sushy``, and held against sushy-tools' emulator.

That emulator has neither AccountService nor SessionService, so it is compared on the service root, on Basic logins and
on the form of errors.
"""

import warnings
from contextlib import ExitStack

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.serving import serve
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.redfish_bmc.simulator import CHANGE, SERVICE, RedfishBmc

OLD, NEW, ADMIN = "Old-pass-1234", "New-pass-5678", "Admin-of-the-1-device"
PATH = f"{SERVICE}/Accounts/2"
pytestmark = pytest.mark.shows_secrets(
    "log of redfish",
    "log of sushy",
    "error",
    reason="the clients, our second opinion, show requests in logs and errors; Lockstep never loads them",
)


@pytest.fixture
def sim(clock):
    """A device with an account beside the administrator's."""
    simulator = RedfishBmc(clock=clock.now)
    simulator.add_account("2", "robot", Secret(OLD))
    return simulator


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    """The clients would follow a proxy in the environment."""
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def dmtf(url):
    """Make a logged-in client of DMTF's own library, which sends nothing twice here."""
    import redfish

    with ExitStack() as stack:

        def made(username="administrator", password=ADMIN, auth="session"):
            client = redfish.redfish_client(base_url=url, max_retry=0, check_connectivity=False)
            client.login(username, password, auth=auth)
            stack.callback(client.logout)
            return client

        yield made


@pytest.mark.parametrize("auth", ["session", "basic"])
def test_dmtfs_client_changes_a_password(dmtf, sim, auth):
    """It logs in by a session or by Basic, and the new password opens a session of its own afterwards."""
    answer = dmtf(auth=auth).patch(PATH, body={"Password": NEW})
    assert (answer.status, answer.dict["UserName"], answer.dict["Password"]) == (200, "robot", None)
    assert sim.account("2").password == Secret(NEW)
    assert dmtf("robot", NEW).get(SERVICE).dict["MinPasswordLength"] == 8


def test_dmtfs_client_ends_its_session(url, sim):
    """A session is a resource that its own token deletes."""
    import redfish

    client = redfish.redfish_client(base_url=url, max_retry=0, check_connectivity=False)
    client.login("robot", OLD, auth="session")
    assert len(sim.directory.sessions) == 1
    client.logout()
    assert sim.directory.sessions == {}


def test_dmtfs_client_knows_a_wrong_login_and_a_forced_change(dmtf, sim):
    """401 is a wrong credential; the message of a forced change is found in the session."""
    from redfish.rest.v1 import InvalidCredentialsError, RedfishPasswordChangeRequiredError

    with pytest.raises(InvalidCredentialsError):
        dmtf("robot", "wrong-Password-1")
    sim.rules.must_change = True
    with pytest.raises(RedfishPasswordChangeRequiredError):
        dmtf("robot", OLD)


def test_dmtfs_client_reads_every_message(dmtf, sim, documented):
    """Each documented message arrives in the form in which the client looks for it; nothing is changed."""
    import redfish

    client = dmtf()
    codes, _ = documented("redfish_bmc")
    for code in codes:
        sim.faults.add(CHANGE, FaultKind.VENDOR_CODE, code=code)
        answer = client.patch(PATH, body={"Password": NEW})
        assert answer.status >= 400
        assert redfish.messages.search_message(answer, "Base", code)
    assert sim.account("2").changes == 0


def test_dmtfs_client_follows_a_task(dmtf, sim, clock):
    """202 names a monitor, which gives the task's state until it ends."""
    sim.rules.task_seconds = 30
    client = dmtf()
    begun = client.patch(PATH, body={"Password": NEW})
    assert begun.is_processing
    assert begun.monitor(client).is_processing
    clock.sleep(31)
    ended = begun.monitor(client)
    assert (ended.status, ended.dict["TaskState"]) == (200, "Completed")
    assert sim.account("2").password == Secret(NEW)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, {"Password": NEW}, 428),
        ({"If-Match": '"2-9"'}, {"Password": NEW}, 412),
        ({"If-Match": '"2-1"'}, {"Password": NEW}, 200),
        ({"If-Match": "*"}, {"Password": "short1A"}, 400),
        ({"If-Match": "*"}, {"Password": "Robots-password-1"}, 400),
        ({"If-Match": "*"}, {"Password": 7}, 400),
        ({"If-Match": "*"}, {"UserName": "other"}, 400),
        ({"If-Match": "*"}, {}, 400),
    ],
    ids=str,
)
def test_changes_are_guarded_and_checked(dmtf, sim, headers, body, status):
    """A device that wants an ETag refuses a change without it or under an old one; bad passwords change nothing."""
    sim.rules.wants_etag = True
    assert dmtf().patch(PATH, body=body, headers=headers).status == status
    assert sim.account("2").changes == (1 if status == 200 else 0)


def test_rights_and_locks(dmtf, clock):
    """Only an administrator changes another account; too many wrong logins lock one, and the lock ends by itself."""
    from redfish.rest.v1 import InvalidCredentialsError

    assert dmtf("robot", OLD).patch(PATH, body={"Password": NEW}).status == 403
    for _ in range(5):
        with pytest.raises(InvalidCredentialsError):
            dmtf("robot", "wrong-Password-1")
    with pytest.raises(InvalidCredentialsError):
        dmtf("robot", OLD)
    assert dmtf().get(PATH).dict["Locked"] is True
    clock.sleep(301)
    assert dmtf("robot", OLD).get(PATH).dict["Locked"] is False


@pytest.mark.parametrize("kind", ["session", "basic"])
def test_sushy_changes_a_password(url, sim, kind):
    """OpenStack's client reads the root, logs in by the link to the sessions or by Basic, and sends the change."""
    import sushy
    from sushy import auth

    way = {"session": auth.SessionAuth, "basic": auth.BasicAuth}[kind]("administrator", ADMIN)
    root = sushy.Sushy(url, auth=way, server_side_retries=0)
    try:
        assert root.redfish_version == "1.20.1"
        assert root._conn.patch(PATH, data={"Password": NEW}).json()["UserName"] == "robot"
    finally:
        way.close()
    assert sim.account("2").password == Secret(NEW)
    assert sim.directory.sessions == {}


def test_sushy_reads_a_refusal(url, sim):
    """It takes the message out of ExtendedInfo and the status for its class of error."""
    import sushy
    from sushy import auth, exceptions

    with pytest.raises(exceptions.AccessError):
        sushy.Sushy(url, auth=auth.SessionAuth("robot", "wrong-Password-1"), server_side_retries=0)
    root = sushy.Sushy(url, auth=auth.BasicAuth("administrator", ADMIN), server_side_retries=0)
    with pytest.raises(exceptions.BadRequestError) as caught:
        root._conn.patch(PATH, data={"Password": "short"})
    assert caught.value.code == "Base.1.18.GeneralError"
    assert "PropertyValueError" in str(caught.value)
    assert sim.account("2").changes == 0


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    """The base URL of sushy-tools' emulator with its fake machines, and the same administrator."""
    import bcrypt

    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # WebOb imports cgi
        from sushy_tools.emulator.main import app

    accounts = tmp_path_factory.mktemp("emulator") / "accounts"
    accounts.write_text("administrator:" + bcrypt.hashpw(ADMIN.encode(), bcrypt.gensalt(4)).decode() + "\n")
    app.configure(extra_config={"SUSHY_EMULATOR_FAKE_DRIVER": True, "SUSHY_EMULATOR_AUTH_FILE": str(accounts)})
    with serve(app.wsgi_app) as base:
        yield base


def test_the_emulators_root_has_the_same_form(url, emulator):
    """Both roots are open to everybody, and what both have has the same type."""
    ours, theirs = (requests.get(base + "/redfish/v1/", timeout=5) for base in (url, emulator))
    assert ours.status_code == theirs.status_code == 200
    mine, other = ours.json(), theirs.json()
    assert {"@odata.id", "@odata.type", "Id", "Name", "RedfishVersion", "UUID", "Systems"} <= mine.keys() & other.keys()
    for name in mine.keys() & other.keys():
        assert type(mine[name]) is type(other[name]), name
    assert mine["@odata.type"].split(".")[0] == other["@odata.type"].split(".")[0] == "#ServiceRoot"


@pytest.mark.parametrize(
    ("login", "path", "status"),
    [
        (None, "/redfish/v1/Systems", 401),
        (("administrator", "wrong-Password-1"), "/redfish/v1/Systems", 401),
        (("nobody", ADMIN), "/redfish/v1/Systems", 401),
        (("administrator", ADMIN), "/redfish/v1/Systems/none", 404),
    ],
)
def test_the_emulator_refuses_in_the_same_form(url, emulator, login, path, status):
    """Status, challenge and error object are alike; only the key of the message differs, and ours says more."""
    answers = [requests.get(base + path, auth=login, timeout=5) for base in (url, emulator)]
    assert [each.status_code for each in answers] == [status, status]
    forms = []
    for each in answers:
        error = each.json()["error"]
        (message,) = error["@Message.ExtendedInfo"]
        assert error["code"].startswith("Base.1.")
        forms.append((each.json().keys(), error.keys(), message["MessageId"].split(".")[0]))
    assert forms[0] == forms[1]
    challenges = [each.headers.get("WWW-Authenticate", "").partition(" ")[0] for each in answers]
    assert challenges == (["Basic", "Basic"] if status == 401 else ["", ""])


def test_our_driver_reads_the_emulators_refusals(emulator):
    """A 401 with a general error is a refused credential, a 404 a missing account, whatever the message's key says."""
    from rotation.core import errors
    from rotation.drivers.vendors.redfish_bmc.driver import DRIVER, Admin
    from rotation_testkit.conformance.driver_harness import DriverHarness

    for password, expected in (("wrong-Password-1", errors.AdminRejected), (ADMIN, errors.AccountUnusable)):
        harness = DriverHarness(
            spec=DRIVER,
            endpoint=emulator,
            account={"username": "robot", "account_id": "2"},
            admin=Admin("administrator", Secret(password)),
            now=lambda: 0.0,
            live=lambda: Secret(OLD),
            changes=lambda: 0,
            grow_old=lambda: None,
            faults=None,
            captured=[],
            change="",
            check="",
            weak=Secret("x"),
        )
        with pytest.raises(expected):
            harness.observation()
