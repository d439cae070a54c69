"""Variables that say where accounts can log in, and switches."""

import pytest

from rotation.core.errors import SettingsError
from rotation.core.values import LoginTarget
from rotation.deployment.deployment import Deployment
from rotation.drivers.network.login_probe import LoginTerms, SshProof

KEY, PIN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "sha256:" + "0a" * 32


def read(**values):
    """Return a deployment of one driver."""
    prefixed = {f"LOCKSTEP_{name}": value for name, value in values.items()}
    return Deployment.from_environment({"LOCKSTEP_DRIVERS": "acme", **prefixed})


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        ("ssh://bastion.example", KEY, LoginTarget("ssh", "bastion.example", 22, "", KEY)),
        ("ssh://10.0.0.1:2222/", "", LoginTarget("ssh", "10.0.0.1", 2222, "")),
        ("ssh://[fd00::1]:23", KEY, LoginTarget("ssh", "fd00::1", 23, "", KEY)),
        ("winrm://host.example", PIN, LoginTarget("winrm", "host.example", 5986, "", PIN)),
        ("winrm://host.example:443", "", LoginTarget("winrm", "host.example", 443, "")),
    ],
)
def test_a_place_to_log_in_is_read(url, key, expected):
    """A login target has the probe's usual port, and the host's key where it is known."""
    assert dict(read(ACME_LOGIN=url, ACME_LOGIN_HOST_KEY=key).logins) == {"acme": expected}


@pytest.mark.parametrize(
    ("url", "key", "name"),
    [
        *(
            (f"ssh://{rest}", "", "LOGIN ")
            for rest in ("root@canary.example", "canary.example/path", "canary.example:0")
        ),
        *((url, "", "LOGIN ") for url in ("telnet://canary.example", "canary.example")),
        ("ssh://host.example", PIN, "LOGIN_HOST_KEY "),
        ("winrm://host.example", KEY, "LOGIN_HOST_KEY "),
        ("winrm://host.example", "sha256:canary", "LOGIN_HOST_KEY "),
    ],
)
def test_a_malformed_place_is_a_fault(url, key, name):
    """The fault names the variable and shows no value."""
    with pytest.raises(SettingsError) as caught:
        read(ACME_LOGIN=url, ACME_LOGIN_HOST_KEY=key)
    (fault,) = caught.value.faults
    assert fault.startswith(f"LOCKSTEP_ACME_{name}")
    assert "canary" not in fault


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        *(("HOSTS", text, "must list hosts of the form") for text in ("https://api.example", "*", "a.example/path")),
        ("SSH_TRUST_ON_FIRST_USE", "yes please", "must be 1 or 0"),
        ("SSH_PROOF", "shell", "must be one of exec, sftp, login"),
        *(("LOGIN_SECONDS", text, "must be 3 to 800") for text in ("2", "801", "1.5", "twenty")),
        ("ACME_LOGIN_SECONDS", "0", "must be 3 to 800"),
    ],
)
def test_any_other_text_is_a_fault(name, text, rule):
    """A host has neither scheme nor wildcard nor path, and a typing error switches nothing on or off."""
    with pytest.raises(SettingsError, match=f"LOCKSTEP_{name} {rule}"):
        read(**{name: text})


def test_a_drivers_own_terms_of_logins_go_before_those_of_all():
    """A driver without own variables has those of all; without any variable the defaults hold."""
    assert read().login_terms("acme") == LoginTerms(seconds=20, ssh_proof=SshProof.EXEC)
    made = read(DRIVERS="acme,other", LOGIN_SECONDS="45", SSH_PROOF="sftp", ACME_SSH_PROOF="login")
    assert made.login_terms("acme") == LoginTerms(seconds=45, ssh_proof=SshProof.LOGIN)
    assert made.login_terms("other") == LoginTerms(seconds=45, ssh_proof=SshProof.SFTP)
