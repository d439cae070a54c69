"""A deployment's file and variables are read together; every fault is named at once, with the nearest known name."""

import tomllib

import pytest

from rotation.core.errors import SettingsError
from rotation.core.values import Evidence, LoginTarget
from rotation.deployment.configuration import read
from rotation.deployment.deployment import SETTINGS, Deployment
from rotation.deployment.setting import Scope
from rotation.deployment.sources import File

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"


def configuration(text="", **variables):
    """Return what a file and ``LOCKSTEP_`` variables say together."""
    file = File(name="lockstep.toml", tables=tomllib.loads(text)) if text else None
    return read(SETTINGS, {f"LOCKSTEP_{name}": value for name, value in variables.items()}, file)


def faults(text="", **variables):
    """Return the faults of a file and variables."""
    return list(configuration(text, **variables).faults)


WHOLE = f"""
drivers = ["acme", "other"]
plugins = ["lockstep-acme"]
hosts = ["proxy.example:8443"]
min_evidence = "READBACK"
commit = "early"
ssh_trust_on_first_use = true
window = "Sat 02:00-05:00 UTC"
[driver.acme]
admin_secret = "admin/acme"
endpoint = "https://proxy.example:8443"
login = "ssh://portal.example"
login_host_key = "{KEY}"
propagation_seconds = 7
lockout = "3/900"
window = "any"
"""


def test_a_file_says_what_variables_say() -> None:
    """The same deployment can be written as a file or as variables."""
    own = {
        "ADMIN_SECRET": "admin/acme",
        "ENDPOINT": "https://proxy.example:8443",
        "LOGIN": "ssh://portal.example",
        "LOGIN_HOST_KEY": KEY,
        "PROPAGATION_SECONDS": "7",
        "LOCKOUT": "3/900",
        "WINDOW": "any",
    }
    variables = {
        "DRIVERS": "acme,other",
        "PLUGINS": "lockstep-acme",
        "HOSTS": "proxy.example:8443",
        "MIN_EVIDENCE": "readback",
        "COMMIT": "early",
        "SSH_TRUST_ON_FIRST_USE": "1",
        "WINDOW": "Sat 02:00-05:00 UTC",
        **{f"ACME_{name}": value for name, value in own.items()},
    }
    made = Deployment.of(configuration(WHOLE))
    assert made == Deployment.of(configuration(**variables))
    assert (made.minimum["acme"], made.early, made.trust_first_use) == (Evidence.READBACK, True, True)
    assert made.logins == {"acme": LoginTarget("ssh", "portal.example", 22, "", KEY)}
    assert [bool(window.spans) for window in made.windows.values()] == [False, True]


def test_a_variable_overrides_one_key_of_the_file() -> None:
    """The other keys of the file stay, and each value knows where it comes from."""
    made = configuration(WHOLE, ACME_ENDPOINT="https://other.example", MIN_EVIDENCE="", DRIVERS="acme")
    deployment = Deployment.of(made)
    assert deployment.endpoints == {"acme": "https://other.example"}
    assert (deployment.drivers, deployment.minimum["acme"]) == (("acme",), Evidence.READBACK)
    assert made.entries["driver.acme.endpoint"].origin == "LOCKSTEP_ACME_ENDPOINT"
    assert made.entries["driver.acme.lockout"].origin == "lockstep.toml"


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        ("", {"ACME_WINDW": "x"}, "LOCKSTEP_ACME_WINDW is no known variable; the nearest is LOCKSTEP_ACME_WINDOW"),
        ("", {"MIN_EVIDENSE": ""}, "LOCKSTEP_MIN_EVIDENSE is no known variable; the nearest is LOCKSTEP_MIN_EVIDENCE"),
        ("", {"VAULT_MOUT": "x"}, "LOCKSTEP_VAULT_MOUT is no known variable; the nearest is LOCKSTEP_VAULT_MOUNT"),
        ("", {"CONFIG_FILE": "x"}, "LOCKSTEP_CONFIG_FILE is no known variable"),
        ("", {"TENCENTBM_LOCKOUT": "3/900"}, "the nearest is LOCKSTEP_TENCENT_BM_LOCKOUT"),
        ("windw = 'x'", {}, "windw in lockstep.toml is no known setting; the nearest is window"),
        ("[driver.acme]\nendpiont = 'x'", {}, "driver.acme.endpiont in lockstep.toml is no known setting; the nearest"),
        ("[driver.tencent_mb]\nwindow = 'any'", {}, "driver.tencent_mb in lockstep.toml is the table of no known"),
        ("[driver.tencent_mb]\nwindow = 'any'", {}, "the nearest is tencent_bm"),
        ("[vault]\nmuont = 'x'", {}, "vault.muont in lockstep.toml is no known setting; the nearest is vault.mount"),
        ("[drivers_]\na = 1", {}, "drivers_ in lockstep.toml is no known setting; the nearest is driver"),
    ],
)
def test_a_misspelt_name_is_a_fault_with_the_nearest_one(text, variables, said) -> None:
    """Nothing that is set is ignored: not even an empty variable, since its author expects that it counts."""
    (fault,) = faults(text, **{"DRIVERS": "acme", **variables})
    assert said in fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("drivers = 'acme'", "drivers in lockstep.toml must be a list of texts"),
        ("drivers = ['acme', 7]", "drivers in lockstep.toml must be a list of texts"),
        ("ssh_trust_on_first_use = 1", "must be true or false"),
        ("[driver.acme]\npropagation_seconds = '7'", "propagation_seconds in lockstep.toml must be a whole number"),
        ("[driver.acme]\npropagation_seconds = true", "must be a whole number"),
        ("[driver.acme]\npropagation_seconds = 1000", "must be 0 to 999"),
        ("[driver.acme]\nlockout = 3", "must be a text in quotes"),
        ("[driver.acme]\nendpoint = ''", "must be a URL"),
        ("commit = 'soon'", "commit in lockstep.toml must be one of finish, early"),
        ("driver = 'acme'", "driver in lockstep.toml must be a table"),
        ("[driver]\nacme = 1", "driver.acme in lockstep.toml must be a table"),
        ("vault = 1", "vault in lockstep.toml must be a table"),
    ],
)
def test_a_value_of_the_wrong_type_is_a_fault(text, said) -> None:
    """A file's types are not guessed."""
    (fault,) = faults(text, DRIVERS="acme")
    assert said in fault


def test_every_fault_of_file_and_variables_is_named_at_once_without_a_value() -> None:
    """Faults of the file come first, and none of them shows a value."""
    text = "window = 'canary'\nmin_evidence = 'canary'\n[driver.acme]\nendpoint = 'http://canary.example'\nlockot = 1"
    found = faults(text, DRIVERS="acme", COMMIT="canary", ACME_LOGIN="ssh://canary@host", NO_SUCH="canary")
    assert [each.split()[0] for each in found] == [
        "window",
        "min_evidence",
        "driver.acme.endpoint",
        "driver.acme.lockot",
        "LOCKSTEP_COMMIT",
        "LOCKSTEP_ACME_LOGIN",
        "LOCKSTEP_NO_SUCH",
    ]
    assert "canary" not in "".join(found)
    with pytest.raises(SettingsError, match="configuration: window in lockstep"):
        Deployment.of(configuration(text, DRIVERS="acme"))


@pytest.mark.parametrize("key", ["password", "secret_key", "private_key", "access_key", "app_key", "token", "SecretId"])
@pytest.mark.parametrize("table", ["", "[driver.acme]\n", "[vault]\n"])
def test_a_credential_is_refused_by_its_keys_name(key, table) -> None:
    """No secret stands in the file, and the refusal does not show it."""
    (fault,) = faults(f"{table}{key} = 'canary'", DRIVERS="acme")
    assert "looks like a credential, which must not stand here" in fault
    assert "canary" not in fault


def test_a_secret_of_the_job_stands_in_its_variable_only() -> None:
    """The file may not hold the secret id, and what is shown of the variable is that it is set."""
    (fault,) = faults("[vault]\nsecret_id = 'canary'", DRIVERS="acme")
    assert "vault.secret_id in lockstep.toml is a secret; only LOCKSTEP_VAULT_SECRET_ID may hold it" in fault
    made = configuration(DRIVERS="acme", VAULT_SECRET_ID="canary")
    assert made.entries["vault.secret_id"].written == "(set)"
    assert "canary" not in repr(made)


def test_settings_of_a_driver_out_of_use_are_checked_and_have_no_effect() -> None:
    """A built-in driver can be taken out of ``drivers`` alone; what is left of it must still be right."""
    text = "[driver.tencent_bm]\nwindow = 'any'"
    made = configuration(text, DRIVERS="acme", HUAWEI_MEETING_LOCKOUT="3/900")
    assert (made.faults, made.unused) == ((), ("driver.tencent_bm.window", "driver.huawei_meeting.lockout"))
    assert Deployment.of(made) == Deployment(drivers=("acme",))
    assert faults(DRIVERS="acme", HUAWEI_MEETING_LOCKOUT="3") == [
        "LOCKSTEP_HUAWEI_MEETING_LOCKOUT must be tries/seconds, such as 3/900"
    ]


def test_the_drivers_that_a_variable_names_may_have_tables() -> None:
    """The list of drivers is read before the tables, wherever it stands."""
    assert faults("[driver.acme]\nwindow = 'any'", DRIVERS="acme") == []
    assert "driver.acme in lockstep.toml" in faults("[driver.acme]\nwindow = 'any'", DRIVERS="other")[0]


def test_what_kubernetes_sets_for_a_service_is_no_fault() -> None:
    """A Service named ``lockstep`` or ``lockstep-hook`` sets variables in every pod of its namespace."""
    address = "tcp://10.0.0.11:443"
    links = {"SERVICE_HOST": "10.0.0.11", "SERVICE_PORT": "443", "SERVICE_PORT_HTTPS": "443", "PORT": address}
    links |= {"PORT_443_TCP": address, "PORT_443_TCP_ADDR": "10.0.0.11", "PORT_443_TCP_PORT": "443"}
    assert faults(DRIVERS="acme", **links, **{f"HOOK_{name}": value for name, value in links.items()}) == []
    assert len(faults(DRIVERS="acme", HOOK_PORT="443")) == 1


def test_tables_of_the_installation_are_left_to_it() -> None:
    """The same file may hold the plug-in, its connections and roles."""
    assert faults("[plugin]\nfile = 'x'\n[connections.a]\n[roles.b]\nany = 1", DRIVERS="acme") == []


def test_no_two_settings_have_one_name_or_one_variable() -> None:
    """Also not with the code of a driver between."""
    names, variables = [], []
    for setting in SETTINGS:
        codes = {Scope.ALL: [None], Scope.DRIVER: ["ssh", "vault"], Scope.BOTH: [None, "ssh", "vault"]}
        for code in codes[setting.scope]:
            names.append(setting.name(code))
            variables.append(setting.variable(code))
    assert len(set(names)) == len(names)
    assert len(set(variables)) == len(variables)


def test_the_proof_of_a_host_needs_a_login() -> None:
    """A host key beside no login proves nothing, so that it is a fault and is not ignored."""
    with pytest.raises(SettingsError, match="LOCKSTEP_ACME_LOGIN_HOST_KEY needs a login beside it"):
        Deployment.of(configuration(DRIVERS="acme", ACME_LOGIN_HOST_KEY=KEY))
    text = f"[driver.acme]\nlogin = 'winrm://host.example'\nlogin_host_key = '{KEY}'"
    with pytest.raises(SettingsError, match=r"driver.acme.login_host_key in lockstep.toml must be sha256"):
        Deployment.of(configuration(text, DRIVERS="acme"))
