"""A binder turns a document into a driver with everything that it needs, or names what is wrong."""

import socket
from dataclasses import dataclass
from unittest.mock import Mock

import pytest

from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import (
    AdminRejected,
    ConfigError,
    DriverNotAllowed,
    RotationError,
    SecretDocumentError,
    SecretNotFound,
    SettingsError,
)
from rotation.core.secret import Secret
from rotation.core.settings import setting
from rotation.core.values import Evidence, LoginTarget
from rotation.deployment.binder import Binder, kept
from rotation.deployment.deployment import Deployment
from rotation.drivers import registry
from rotation.drivers.logins.ssh import SshProbe
from rotation.drivers.logins.winrm import WinRmProbe
from rotation.drivers.network.http_messages import HttpRequest
from rotation_testkit.fault_lab.in_memory.clock import VirtualClock

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"
DOCUMENT = SecretDocument({"driver": "acme", "username": "root", "password": "canary", "lockstep": {}, "own": 1})
ADMIN = SecretDocument({"key_id": "id", "key": "canary-key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Admin:
    """An admin credential."""

    key_id: str = setting("Id of the API key.")
    key: Secret = setting("The API key.")  # noqa: RUF009 - declares a field


class Driver:
    """A driver that keeps what it was made from; no test here changes a password."""

    def __init__(self, wiring):
        self.wiring = wiring


@pytest.fixture
def bind(make_spec, monkeypatch):
    """Return a function that makes a binder for one driver, ``acme``; other arguments are ``LOCKSTEP_`` variables."""

    def make(*, spec=None, admin=ADMIN, **variables):
        record = spec or make_spec(admin=Admin, factory=Driver)
        monkeypatch.setattr(registry, "load_driver", lambda *_: record)

        def fetch(name):
            assert name == "admin/acme"
            if isinstance(admin, RotationError):
                raise admin
            return admin

        variables = {"DRIVERS": "acme", "ACME_ADMIN_SECRET": "admin/acme", **variables}
        deployment = Deployment.from_environment({f"LOCKSTEP_{name}": value for name, value in variables.items()})
        return Binder(deployment=deployment, fetch=fetch, clock=SystemClock(), time_left=lambda: 60.0)

    return make


@pytest.mark.parametrize("code", ["other", "ACME", "acme ", "../acme", "os"])
def test_a_driver_that_is_not_allowed_is_not_even_imported(code, bind, monkeypatch):
    """The secret's text chooses among what is allowed and is not quoted."""
    binder, load = bind(), Mock()
    monkeypatch.setattr(registry, "load_driver", load)
    with pytest.raises(DriverNotAllowed, match=r"among acme$"):
        binder(DOCUMENT.replaced(driver=code))
    load.assert_not_called()


def test_a_bound_driver_has_all_it_needs(bind):
    """A bound driver has account, admin credential and endpoint, its own best evidence as minimum, keys to scrub."""
    bound = bind()(DOCUMENT)
    assert (bound.username, bound.account.username, bound.minimum) == ("root", "root", Evidence.LOGIN)
    assert bound.driver.wiring.endpoint == "https://api.acme.example"
    assert bound.driver.wiring.admin == Admin(key_id="id", key=Secret("canary-key"))
    assert bound.known == (Secret("canary-key"),)
    assert "canary" not in repr(bound)


def test_two_documents_share_one_wiring(bind):
    """The admin credential is read once for current and candidate of one run."""
    binder = bind()
    first, second = binder(DOCUMENT), binder(DOCUMENT.replaced(password="next"))
    assert first.driver.wiring is second.driver.wiring


def test_a_malformed_admin_secret_is_reported_key_by_key(bind):
    """All faults are reported at once, without a value."""
    with pytest.raises(SettingsError) as caught:
        bind(admin=SecretDocument({"key": ["canary"], "other": "canary"}))(DOCUMENT)
    assert str(caught.value) == (
        "admin secret of acme: key_id is missing (Id of the API key.); key must be non-empty text; 'other' is "
        "no known setting"
    )
    assert "canary" not in str(caught.value) + repr(vars(caught.value))


@pytest.mark.parametrize("error", [SecretNotFound("the secret does not exist"), SecretDocumentError("no JSON")])
def test_an_unreadable_admin_secret_keeps_its_error(bind, error):
    """The error keeps its class; its message names the admin secret, and its hint the variable."""
    with pytest.raises(type(error)) as caught:
        bind(admin=error)(DOCUMENT)
    assert str(caught.value) == f"admin secret of acme: {error}"
    assert "LOCKSTEP_ACME_ADMIN_SECRET" in caught.value.hint


def test_a_driver_without_an_admin_credential_reads_none(bind, make_spec):
    """An account that changes its own password needs no admin secret."""
    bound = bind(spec=make_spec(factory=Driver), admin=SecretNotFound("asked"), ACME_ADMIN_SECRET="")(DOCUMENT)
    assert bound.known == ()


def test_a_power_state_that_does_not_exist_is_refused(bind):
    """The error names the key and what is accepted, before any request is sent."""
    with pytest.raises(SettingsError, match="power must be one of as_found, running, stopped"):
        bind()(DOCUMENT.replaced(power="sometimes"))


@pytest.mark.parametrize(("url", "kind"), [("ssh://host", SshProbe), ("winrm://host", WinRmProbe)])
def test_a_driver_without_logins_gets_one(bind, make_spec, url, kind):
    """The account logs in under its own name, and LOGIN becomes the minimum unless a lower one is set."""
    spec = make_spec(evidence=Evidence.ACCEPTED, factory=Driver)
    bound = bind(spec=spec, ACME_LOGIN=url)(DOCUMENT)
    assert bound.logins.configured is not None
    assert (bound.logins.configured.username, bound.minimum) == ("root", Evidence.LOGIN)
    assert [type(probe) for probe in bound.logins.probes.values()] == [kind]
    lower = bind(spec=spec, ACME_LOGIN=url, MIN_EVIDENCE="accepted")(DOCUMENT)
    assert lower.minimum is Evidence.ACCEPTED
    none = bind(spec=spec)(DOCUMENT)
    assert (none.logins.configured, dict(none.logins.probes), none.minimum) == (None, {}, Evidence.ACCEPTED)


def test_a_driver_that_proves_logins_takes_none(bind, make_spec):
    """LOCKSTEP_<CODE>_LOGIN is refused: one host for all machines of a vendor would be the wrong one."""
    with pytest.raises(SettingsError, match="LOCKSTEP_ACME_LOGIN"):
        bind(spec=make_spec(evidence=Evidence.LOGIN, factory=Driver), ACME_LOGIN="ssh://host")(DOCUMENT)


def test_a_driver_may_need_several_probes(bind, make_spec):
    """A driver gets every probe that its record names, by kind."""
    spec = make_spec(login_probes=frozenset({"ssh", "winrm"}), factory=Driver)
    probes = bind(spec=spec)(DOCUMENT).logins.probes
    assert {kind: type(probe) for kind, probe in probes.items()} == {"ssh": SshProbe, "winrm": WinRmProbe}


@pytest.mark.parametrize(
    ("text", "expected"), [("", False), ("0", False), ("false", False), ("1", True), ("true", True), ("TRUE", True)]
)
def test_the_first_key_is_trusted_on_purpose_only(bind, text, expected):
    """A host's first key is not trusted by default."""
    binder = bind(SSH_TRUST_ON_FIRST_USE=text)
    assert binder.deployment.trust_first_use is expected
    assert binder(DOCUMENT).logins.trust_first_use is expected


@pytest.mark.parametrize(
    ("note", "expected"),
    [({"host_key": KEY}, KEY), ({"host_key": "no key"}, None), ({"host_key": 1}, None), ({}, None), ("note", None)],
)
def test_a_learned_key_is_read_from_the_documents_own_notes(bind, note, expected):
    """The key is read whether or not learning is on now; a malformed note is ignored."""
    document = DOCUMENT.replaced(lockstep=note)
    assert bind()(document).host_key == expected


def test_the_vendors_endpoint_is_judged_by_the_deployments_authorities(bind):
    """A file of authorities that is not there keeps a request from the vendor, and the hint names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        binder = bind(
            ACME_CA_FILE="/nowhere/authorities.pem",
            ACME_ENDPOINT=f"https://127.0.0.1:{port}",
            HOSTS=f"127.0.0.1:{port}",
        )
        door = binder(DOCUMENT).driver.wiring.http
        with pytest.raises(ConfigError, match="nothing was sent") as refused:
            door.send(HttpRequest(method="GET", url=f"https://127.0.0.1:{port}/"))
    assert "LOCKSTEP_CA_FILE" in refused.value.hint


def test_a_credential_that_is_about_to_expire_is_read_again(bind):
    """A run longer than the credential's life asks for the secret again; a short one asks once."""
    reads, clock = [], VirtualClock()
    binder = bind(admin=None)
    binder.clock = clock

    def fetch(_):
        reads.append(clock.now())
        return ADMIN.replaced(expires_at=int(clock.now()) + 600)

    binder.fetch = fetch
    assert binder(DOCUMENT).driver.wiring is binder(DOCUMENT).driver.wiring
    clock.sleep(550)
    binder(DOCUMENT)
    assert len(reads) == 2


@pytest.mark.parametrize(("says", "most"), [({}, 1), ({"expires_at": 1_700_000_600}, 2), ({"expires_at": "soon"}, 4)])
def test_a_kept_credential_is_read_again_when_its_life_ends(says, most):
    """What is kept from one rotation to the next would otherwise be refused, though a new one may be there."""
    clock, reads, documents = VirtualClock(), [], {}
    clock.move_to(1_700_000_000.0)

    def read(name):
        reads.append(name)
        new = {"expires_at": 1_700_009_000} if len(reads) > 1 and says.get("expires_at") != "soon" else says
        return ADMIN.replaced(**new)

    for _ in range(4):
        kept(documents, read, clock.now)("admin")
        clock.sleep(280)
    assert len(reads) == most


def test_a_credential_that_has_expired_is_refused_before_any_call(bind):
    """The error names the admin secret, and its hint the variable that names it."""
    with pytest.raises(AdminRejected, match="admin secret of acme: the admin credential has expired") as caught:
        bind(admin=ADMIN.replaced(expires_at="2020-01-01T00:00:00Z"))(DOCUMENT)
    assert "LOCKSTEP_ACME_ADMIN_SECRET" in caught.value.hint


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("mysql://db.example", LoginTarget("mysql", "db.example", 3306, "root")),
        ("postgresql://db.example/app", LoginTarget("postgresql", "db.example", 5432, "root", None, "app")),
        ("redis://[::1]:6380", LoginTarget("redis", "::1", 6380, "root")),
    ],
)
def test_a_login_may_be_at_a_database(bind, make_spec, url, target):
    """The kind's own port is the default, and a path names the database."""
    spec = make_spec(evidence=Evidence.ACCEPTED, factory=Driver)
    assert bind(spec=spec, ACME_LOGIN=url)(DOCUMENT).logins.configured == target


def test_the_deployment_decides_who_vouches_for_databases(bind, make_spec):
    """The file of authorities and the hosts without TLS reach the probe."""
    spec = make_spec(login_probes=frozenset({"mysql"}), factory=Driver)
    bound = bind(spec=spec, LOGIN_CA_FILE="/etc/ca.pem", LOGIN_PLAIN_HOSTS="10.0.0.1, db.internal")(DOCUMENT)
    terms = bound.logins.probes["mysql"]._terms
    assert (terms.ca_file, terms.plain) == ("/etc/ca.pem", frozenset({"10.0.0.1", "db.internal"}))
