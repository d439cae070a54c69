"""A deployment allows what its variables name; the rotated secret chooses only among that."""

import traceback

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import HostNotAllowed, SettingsError
from rotation.core.values import Authority, Evidence
from rotation.deployment.deployment import Deployment
from rotation.policy import PasswordWishes
from rotation.state.binding import BindingMode

OFFICIAL = ("https://api.acme.example", "https://eu.acme.example:8443")


def shown(error):
    """Return everything that an error shows."""
    return "".join(traceback.format_exception_only(error)) + repr(vars(error))


def test_the_environment_is_read():
    """Lists are separated by commas, with any spaces between."""
    made = Deployment.from_environment(
        {
            "LOCKSTEP_DRIVERS": " acme, other ,",
            "LOCKSTEP_PLUGINS": "lockstep-acme",
            "LOCKSTEP_HOSTS": "127.0.0.1:8080, proxy.example",
            "LOCKSTEP_MIN_EVIDENCE": "readback",
            "LOCKSTEP_ACME_ENDPOINT": "https://api.acme.example/",
            "LOCKSTEP_ACME_ADMIN_SECRET": "admin/acme",
        }
    )
    assert made == Deployment(
        drivers=("acme", "other"),
        plugins=("lockstep-acme",),
        hosts=("127.0.0.1:8080", "proxy.example"),
        minimum={"acme": Evidence.READBACK, "other": Evidence.READBACK},
        endpoints={"acme": "https://api.acme.example/"},
        admin_secrets={"acme": "admin/acme"},
    )


def test_what_is_left_out_has_a_default():
    """Only the drivers have no default."""
    made = Deployment.from_environment({"LOCKSTEP_DRIVERS": "acme", "LOCKSTEP_MIN_EVIDENCE": ""})
    assert made == Deployment(drivers=("acme",))


def test_every_fault_of_the_environment_is_reported_at_once():
    """Each fault names its variable and shows no value."""
    wrong = {
        "LOCKSTEP_DRIVERS": "acme,other,Canary!",
        "LOCKSTEP_MIN_EVIDENCE": "canary",
        "LOCKSTEP_ACME_ENDPOINT": "http://canary.example",
        "LOCKSTEP_OTHER_ENDPOINT": "https://user:canary@other.example",
    }
    with pytest.raises(SettingsError) as caught:
        Deployment.from_environment(wrong)
    assert [fault.split()[0] for fault in caught.value.faults] == [*wrong]
    assert "canary" not in shown(caught.value).lower()
    assert caught.value.__context__ is None


@pytest.mark.parametrize("drivers", [{}, {"LOCKSTEP_DRIVERS": ""}, {"LOCKSTEP_DRIVERS": " , "}])
def test_a_deployment_without_drivers_is_a_fault(drivers):
    """No driver is allowed by default."""
    with pytest.raises(SettingsError, match="LOCKSTEP_DRIVERS"):
        Deployment.from_environment(drivers)


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
def test_an_endpoint_is_the_vendors_or_listed(make_spec, endpoint, hosts):
    """The endpoint loses its trailing slash, so that paths can be appended."""
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
def test_any_other_endpoint_is_refused(make_spec, endpoint, hosts):
    """Host and port must match exactly, and the error does not quote the endpoint."""
    made = Deployment(drivers=("acme",), endpoints={"acme": endpoint}, hosts=hosts)
    with pytest.raises(HostNotAllowed) as caught:
        made.endpoint(make_spec(endpoints=OFFICIAL))
    assert "canary" not in shown(caught.value)


@pytest.mark.parametrize("wrong", ["-1", "1000", "soon"])
def test_a_deployment_may_state_how_soon_a_new_password_works(wrong):
    """A number of seconds replaces the driver's own; anything else is a fault that names the variable."""
    drivers, name = {"LOCKSTEP_DRIVERS": "ucloud_compshare"}, "LOCKSTEP_UCLOUD_COMPSHARE_PROPAGATION_SECONDS"
    document = SecretDocument({"driver": "ucloud_compshare"})
    own, stated = (Deployment.from_environment(drivers | more).load(document) for more in ({}, {name: "0"}))
    assert (own.propagation_seconds, stated.propagation_seconds) == (5, 0)
    with pytest.raises(SettingsError, match=f"{name} must be 0 to 999"):
        Deployment.from_environment(drivers | {name: wrong})


@pytest.mark.parametrize("wrong", ["1", "121", "soon"])
def test_a_deployment_may_state_how_long_a_request_may_take(wrong):
    """It holds for each request to this vendor, and for the time that must be left before a change."""
    drivers, name = {"LOCKSTEP_DRIVERS": "ucloud_compshare"}, "LOCKSTEP_UCLOUD_COMPSHARE_CALL_SECONDS"
    document = SecretDocument({"driver": "ucloud_compshare"})
    assert Deployment.from_environment(drivers | {name: "40"}).load(document).call_seconds == 40
    with pytest.raises(SettingsError, match=f"{name} must be 2 to 120"):
        Deployment.from_environment(drivers | {name: wrong})


def test_an_optional_key_that_resets_makes_the_driver_an_admins():
    """With a key the old password is not needed and secrets are bound; without one the account changes itself."""
    drivers, name = {"LOCKSTEP_DRIVERS": "huawei_iam_user"}, "LOCKSTEP_HUAWEI_IAM_USER_ADMIN_SECRET"
    document, seen = SecretDocument({"driver": "huawei_iam_user"}), []
    for more in ({}, {name: "admin/iam"}):
        deployment = Deployment.from_environment(drivers | more)
        spec = deployment.load(document)
        seen.append((spec.authority, deployment.binding_of(spec)))
    assert seen == [(Authority.SELF, BindingMode.OFF), (Authority.ADMIN, BindingMode.REQUIRED)]


@pytest.mark.parametrize("wrong", ["3", "0/900", "3/0", "3 in 900", "1000/900", "3/10000000", "-1/900", "٣/900"])
def test_a_deployment_may_state_what_locks_an_account(wrong):
    """Tries and seconds replace the driver's own rule and set the budget; anything else is a fault."""
    drivers, name = {"LOCKSTEP_DRIVERS": "huawei_meeting"}, "LOCKSTEP_HUAWEI_MEETING_LOCKOUT"
    document = SecretDocument({"driver": "huawei_meeting"})
    own, stated = (
        Deployment.from_environment(drivers | more).load(document).lockout for more in ({}, {name: "3/86400"})
    )
    assert (own.tries, own.budget) == (5, 3)
    assert (stated.tries, stated.window_seconds, stated.budget) == (3, 86_400, 1)
    with pytest.raises(SettingsError, match=f"{name} must be tries/seconds, such as 3/900"):
        Deployment.from_environment(drivers | {name: wrong})


def test_a_file_of_authorities_holds_for_all_drivers_or_one():
    """The driver's own file takes the place of the one for all, and each door gets that of its driver."""
    given = {"LOCKSTEP_DRIVERS": "tencent_bm,huawei_meeting", "LOCKSTEP_CA_FILE": "/etc/all.pem"}
    deployment = Deployment.from_environment(given | {"LOCKSTEP_TENCENT_BM_CA_FILE": "/etc/own.pem"})
    assert deployment.ca_files == {"tencent_bm": "/etc/own.pem", "huawei_meeting": "/etc/all.pem"}


def test_wishes_for_passwords_hold_for_all_drivers_or_one():
    """A driver's own table comes first, key by key, and each value is checked by the form of its setting."""
    made = Deployment.from_environment(
        {
            "LOCKSTEP_DRIVERS": "acme,other",
            "LOCKSTEP_PASSWORD_LENGTH": "24",
            "LOCKSTEP_PASSWORD_CLASSES": "upper digit",
            "LOCKSTEP_PASSWORD_SHELL_SAFE": "1",
            "LOCKSTEP_ACME_PASSWORD_LENGTH": "20",
            "LOCKSTEP_ACME_PASSWORD_CLASSES": "none",
            "LOCKSTEP_ACME_PASSWORD_SHELL_SAFE": "0",
        }
    )
    assert made.wishes("acme") == PasswordWishes(length=20, shell_safe=False, classes=())
    assert made.wishes("other") == PasswordWishes(length=24, shell_safe=True, classes=("upper", "digit"))
    wrong = {"LENGTH": "129", "EXCLUDE": "é", "SHELL_SAFE": "maybe", "CLASSES": "!"}
    with pytest.raises(SettingsError) as caught:
        Deployment.from_environment(
            {"LOCKSTEP_DRIVERS": "acme"} | {f"LOCKSTEP_PASSWORD_{key}": text for key, text in wrong.items()}
        )
    assert [fault.split()[0] for fault in caught.value.faults] == [f"LOCKSTEP_PASSWORD_{key}" for key in wrong]


@pytest.mark.parametrize(("length", "faulty"), [("32", False), ("33", True)])
def test_wishes_that_no_policy_of_a_driver_meets_are_a_fault(length, faulty):
    """A container takes 32 characters and a virtual machine 30, so that 32 is no fault before the target is known."""
    made = Deployment.from_environment(
        {
            "LOCKSTEP_DRIVERS": "ucloud_compshare",
            "LOCKSTEP_UCLOUD_COMPSHARE_ADMIN_SECRET": "admin/ucloud",
            "LOCKSTEP_PASSWORD_LENGTH": length,
        }
    )
    assert bool(made.faults()) is faulty
    assert all("asked for: 33 characters" in fault for fault in made.faults())
