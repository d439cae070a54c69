"""Facts about what a deployment allows: the rotated secret chooses only among that."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import (
    DriverNotAllowed,
    HostNotAllowed,
    RotationError,
    SecretDocumentError,
    SecretNotFound,
    SettingsError,
)
from rotation.core.secret import Secret
from rotation.core.settings import setting
from rotation.core.values import Evidence
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec, Wiring

Spec = Callable[..., DriverSpec]
DOCUMENT = SecretDocument({"driver": "acme", "username": "root", "password": "canary", "lockstep": {}, "own": 1})
ADMIN = SecretDocument({"key_id": "id", "key": "canary-key", "note": "kept"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Admin:
    key_id: str = setting("Id of the API key.")
    key: Secret = setting("The API key.")  # noqa: RUF009 - declares a field


class _Driver:
    """Keeps what it was made from."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def set_password(self, account: Any, new: Secret, *, current: Secret | None) -> None:
        raise AssertionError((account, new, current))


@pytest.fixture
def bind(make_spec: Spec, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Binder]:
    """A function that makes a binder for one driver, ``acme``; ``fetched`` lists the secrets that were read."""

    def make(
        *, spec: DriverSpec | None = None, admin: SecretDocument | RotationError = ADMIN, **deployment: Any
    ) -> Binder:
        record = spec or make_spec(admin=_Admin, factory=_Driver)
        monkeypatch.setattr(registry, "load_driver", lambda *_: record)

        def fetch(name: str) -> SecretDocument:
            assert name == "admin/acme"
            if isinstance(admin, RotationError):
                raise admin
            return admin

        fields = {"drivers": ("acme",), "admin_secrets": {"acme": "admin/acme"}, **deployment}
        return Binder(deployment=Deployment(**fields), fetch=fetch, clock=SystemClock(), time_left=lambda: 60.0)

    return make


def _shown(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)) + repr(vars(error))


def test_the_environment_is_read() -> None:
    """Lists are separated by commas, with any spaces."""
    made = Deployment.from_environment(
        {
            "LOCKSTEP_DRIVERS": " acme, other ,",
            "LOCKSTEP_PLUGINS": "lockstep-acme",
            "LOCKSTEP_HOSTS": "127.0.0.1:8080, proxy.example",
            "LOCKSTEP_MIN_EVIDENCE": "readback",
            "LOCKSTEP_ACME_ENDPOINT": "https://api.acme.example/",
            "LOCKSTEP_ACME_ADMIN_SECRET": "admin/acme",
            "LOCKSTEP_THIRD_ENDPOINT": "not asked for",
        }
    )
    assert made.drivers == ("acme", "other")
    assert made.plugins == ("lockstep-acme",)
    assert made.hosts == ("127.0.0.1:8080", "proxy.example")
    assert made.minimum is Evidence.READBACK
    assert dict(made.endpoints) == {"acme": "https://api.acme.example/"}
    assert dict(made.admin_secrets) == {"acme": "admin/acme"}


def test_what_is_left_out_has_a_default() -> None:
    """Only the drivers must be named."""
    made = Deployment.from_environment({"LOCKSTEP_DRIVERS": "acme", "LOCKSTEP_MIN_EVIDENCE": ""})
    assert made == Deployment(drivers=("acme",))


def test_every_fault_of_the_environment_is_reported_at_once() -> None:
    """By the variable's name, without its value."""
    with pytest.raises(SettingsError) as caught:
        Deployment.from_environment(
            {
                "LOCKSTEP_DRIVERS": "acme,other,Canary!",
                "LOCKSTEP_MIN_EVIDENCE": "canary",
                "LOCKSTEP_ACME_ENDPOINT": "http://canary.example",
                "LOCKSTEP_OTHER_ENDPOINT": "https://user:canary@other.example",
            }
        )
    assert [fault.split()[0] for fault in caught.value.faults] == [
        "LOCKSTEP_DRIVERS",
        "LOCKSTEP_MIN_EVIDENCE",
        "LOCKSTEP_ACME_ENDPOINT",
        "LOCKSTEP_OTHER_ENDPOINT",
    ]
    assert "canary" not in _shown(caught.value).lower()
    assert caught.value.__context__ is None


@pytest.mark.parametrize("drivers", [{}, {"LOCKSTEP_DRIVERS": ""}, {"LOCKSTEP_DRIVERS": " , "}])
def test_a_deployment_without_drivers_is_a_fault(drivers: dict[str, str]) -> None:
    """Nothing is allowed by default."""
    with pytest.raises(SettingsError, match="LOCKSTEP_DRIVERS"):
        Deployment.from_environment(drivers)


@pytest.mark.parametrize("code", ["other", "ACME", "acme ", "../acme", "os"])
def test_a_driver_that_is_not_allowed_is_not_even_imported(
    code: str, bind: Callable[..., Binder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The secret's text chooses among what is allowed; it is not quoted."""
    binder = bind()

    def refuse(*_: object) -> None:
        raise AssertionError("loaded")

    monkeypatch.setattr(registry, "load_driver", refuse)
    with pytest.raises(DriverNotAllowed) as caught:
        binder(DOCUMENT.replaced(driver=code))
    assert str(caught.value).endswith("among acme")


@pytest.mark.parametrize("key", ["driver", "username"])
def test_a_document_must_name_driver_and_user(bind: Callable[..., Binder], key: str) -> None:
    """The key is named."""
    with pytest.raises(SecretDocumentError, match=key):
        bind()(DOCUMENT.replaced(**{key: ""}))


def test_a_bound_driver_has_all_it_needs(bind: Callable[..., Binder]) -> None:
    """Account, admin credential, endpoint, the driver's own best as minimum; the admin's key is scrubbed later."""
    bound = bind()(DOCUMENT)
    assert (bound.username, bound.account.username, bound.minimum) == ("root", "root", Evidence.LOGIN)
    assert isinstance(bound.driver, _Driver)
    assert bound.driver.wiring.endpoint == "https://api.acme.example"
    assert bound.driver.wiring.admin == _Admin(key_id="id", key=Secret("canary-key"))
    assert bound.known == (Secret("canary-key"),)
    assert "canary" not in repr(bound)


def test_the_deployment_may_lower_the_least_evidence(bind: Callable[..., Binder]) -> None:
    """On purpose, and visibly."""
    assert bind(minimum=Evidence.ACCEPTED)(DOCUMENT).minimum is Evidence.ACCEPTED


def test_two_documents_share_one_wiring(bind: Callable[..., Binder]) -> None:
    """Current and candidate of one run: the admin credential is read once."""
    binder = bind()
    first, second = binder(DOCUMENT), binder(DOCUMENT.replaced(password="next"))
    assert isinstance(first.driver, _Driver)
    assert isinstance(second.driver, _Driver)
    assert first.driver.wiring is second.driver.wiring


def test_a_missing_admin_secret_names_its_variable(bind: Callable[..., Binder]) -> None:
    """So that the operator knows what to set."""
    with pytest.raises(SettingsError, match="LOCKSTEP_ACME_ADMIN_SECRET"):
        bind(admin_secrets={})(DOCUMENT)


def test_a_malformed_admin_secret_is_told_key_by_key(bind: Callable[..., Binder]) -> None:
    """Every fault at once, and no value."""
    with pytest.raises(SettingsError) as caught:
        bind(admin=SecretDocument({"key": ["canary"], "other": "canary"}))(DOCUMENT)
    assert str(caught.value) == (
        "admin secret of acme: key_id is missing (Id of the API key.); key must be non-empty text"
    )
    assert "canary" not in _shown(caught.value)


@pytest.mark.parametrize("error", [SecretNotFound("the secret does not exist"), SecretDocumentError("no JSON")])
def test_an_unreadable_admin_secret_keeps_its_error(bind: Callable[..., Binder], error: RotationError) -> None:
    """The class stays; the message says that it is about the admin secret, and the hint names the variable."""
    with pytest.raises(type(error)) as caught:
        bind(admin=error)(DOCUMENT)
    assert str(caught.value) == f"admin secret of acme: {error}"
    assert "LOCKSTEP_ACME_ADMIN_SECRET" in caught.value.hint


def test_a_driver_without_an_admin_credential_reads_none(bind: Callable[..., Binder], make_spec: Spec) -> None:
    """The account changes itself."""
    bound = bind(spec=make_spec(factory=_Driver), admin=SecretNotFound("asked"), admin_secrets={})(DOCUMENT)
    assert bound.known == ()


OFFICIAL = ("https://api.acme.example", "https://eu.acme.example:8443")


@pytest.mark.parametrize(
    ("endpoint", "hosts"),
    [
        ("https://api.acme.example", ()),
        ("https://api.acme.example/", ()),
        ("https://eu.acme.example:8443", ()),
        ("http://127.0.0.1:8080", ("127.0.0.1:8080",)),
        ("https://proxy.example", ("proxy.example",)),
    ],
)
def test_an_endpoint_is_the_vendors_or_listed(make_spec: Spec, endpoint: str, hosts: tuple[str, ...]) -> None:
    """Without its trailing slash, so that paths are appended right."""
    made = Deployment(drivers=("acme",), endpoints={"acme": endpoint}, hosts=hosts)
    assert made.endpoint(make_spec(endpoints=OFFICIAL)) == endpoint.rstrip("/")


@pytest.mark.parametrize(
    ("endpoint", "hosts"),
    [
        ("https://canary.example", ()),
        ("http://api.acme.example", ()),
        ("https://api.acme.example:444", ()),
        ("https://eu.acme.example", ()),
        ("https://api.acme.example.canary.example", ()),
        ("http://127.0.0.1:8081", ("127.0.0.1:8080",)),
        ("https://proxy.example:8443", ("proxy.example",)),
    ],
)
def test_any_other_endpoint_is_refused(make_spec: Spec, endpoint: str, hosts: tuple[str, ...]) -> None:
    """Host and port must match exactly; it is not quoted."""
    made = Deployment(drivers=("acme",), endpoints={"acme": endpoint}, hosts=hosts)
    with pytest.raises(HostNotAllowed) as caught:
        made.endpoint(make_spec(endpoints=OFFICIAL))
    assert "canary" not in _shown(caught.value)


def test_the_secret_cannot_name_an_endpoint(bind: Callable[..., Binder]) -> None:
    """Whoever can write it must not be able to aim the rotation."""
    bound = bind()(DOCUMENT.replaced(endpoint="https://canary.example", base_url="https://canary.example"))
    assert isinstance(bound.driver, _Driver)
    assert bound.driver.wiring.endpoint == "https://api.acme.example"


def test_a_wish_about_power_that_makes_no_sense_is_refused(bind: Callable[..., Binder]) -> None:
    """By name, with what may be wished, before the vendor is asked anything."""
    with pytest.raises(SettingsError, match="power must be one of as_found, running, stopped"):
        bind()(DOCUMENT.replaced(power="sometimes"))


def test_a_deployment_knows_better_how_soon_a_new_password_works() -> None:
    """A number of seconds goes before the driver's own; anything else is told by the variable's name."""
    name = "LOCKSTEP_UCLOUD_COMPSHARE_PROPAGATION_SECONDS"
    document = SecretDocument({"driver": "ucloud_compshare"})
    own = Deployment(drivers=("ucloud_compshare",)).load(document)
    made = Deployment.from_environment({"LOCKSTEP_DRIVERS": "ucloud_compshare", name: "0"})
    assert (own.propagation_seconds, made.load(document).propagation_seconds) == (5, 0)
    for wrong in ("-1", "1000", "soon"):
        with pytest.raises(SettingsError, match=f"{name} must be 0 to 999"):
            Deployment.from_environment({"LOCKSTEP_DRIVERS": "ucloud_compshare", name: wrong})


def test_a_deployment_knows_better_what_locks_an_account() -> None:
    """Tries and seconds go before the driver's own rule, so the budget follows; anything else is told by name."""
    name = "LOCKSTEP_HUAWEI_MEETING_LOCKOUT"
    document = SecretDocument({"driver": "huawei_meeting"})
    made = Deployment.from_environment({"LOCKSTEP_DRIVERS": "huawei_meeting", name: "3/86400"})
    own, known = Deployment(drivers=("huawei_meeting",)).load(document).lockout, made.load(document).lockout
    assert own is not None
    assert known is not None
    assert (own.tries, own.budget) == (5, 3)
    assert (known.tries, known.window_seconds, known.budget) == (3, 86_400, 1)
    for wrong in ("3", "0/900", "3/0", "3 in 900", "1000/900", "3/10000000", "-1/900", "٣/900"):
        with pytest.raises(SettingsError, match=f"{name} must be tries/seconds, such as 3/900"):
            Deployment.from_environment({"LOCKSTEP_DRIVERS": "huawei_meeting", name: wrong})
