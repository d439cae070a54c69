"""What the environment tells the job, and what it must not leave out."""

from __future__ import annotations

import pytest

from rotation.core.errors import SettingsError
from vault_plugin.job.settings import VaultSettings


@pytest.mark.parametrize(
    ("variables", "faults"),
    [
        ({}, ["VAULT_ADDR is missing", "VAULT_TOKEN is missing"]),
        ({"VAULT_ADDR": "http://vault.example", "VAULT_TOKEN": "t"}, ["VAULT_ADDR must use https"]),
        ({"VAULT_ADDR": "https://v", "LOCKSTEP_VAULT_AUTH": "ldap"}, ["LOCKSTEP_VAULT_AUTH must be one of"]),
        (
            {"VAULT_ADDR": "https://v", "LOCKSTEP_VAULT_AUTH": "approle"},
            ["LOCKSTEP_VAULT_SECRET_ID is missing", "LOCKSTEP_VAULT_ROLE_ID is missing"],
        ),
        ({"VAULT_ADDR": "https://v", "LOCKSTEP_VAULT_AUTH": "kubernetes"}, ["LOCKSTEP_VAULT_ROLE is missing"]),
        (
            {
                "VAULT_ADDR": "https://v",
                "VAULT_TOKEN": "t",
                "LOCKSTEP_VAULT_MOUNT": "a b",
                "LOCKSTEP_VAULT_AUTH_MOUNT": "?",
            },
            ["LOCKSTEP_VAULT_MOUNT must", "LOCKSTEP_VAULT_AUTH_MOUNT must"],
        ),
        (
            {"VAULT_ADDR": "https://v", "LOCKSTEP_VAULT_TOKEN_FILE": "/nothing/there"},
            ["LOCKSTEP_VAULT_TOKEN_FILE cannot"],
        ),
    ],
)
def test_faults_of_the_environment_are_all_listed(variables, faults):
    """Every fault is listed with its variable."""
    with pytest.raises(SettingsError) as caught:
        VaultSettings.from_environment(variables)
    assert len(caught.value.faults) == len(faults)
    assert all(any(each.startswith(fault) for each in caught.value.faults) for fault in faults)


@pytest.mark.parametrize(
    ("mode", "folder", "warned"), [(0o644, 0o755, True), (0o600, 0o755, False), (0o644, 0o700, False)]
)
@pytest.mark.shows_secrets("file proof", reason="the operator's own file")
def test_a_proof_that_others_can_read_gets_a_warning(tmp_path, caplog, mode, folder, warned):
    """The warning names the variable and no value; a folder that lets nobody in is enough."""
    (tmp_path / "own").mkdir()
    proof = tmp_path / "own" / "proof"
    proof.write_text("s.canary-of-the-file")
    proof.chmod(mode)
    (tmp_path / "own").chmod(folder)
    made = VaultSettings.from_environment({"VAULT_ADDR": "https://v", "LOCKSTEP_VAULT_TOKEN_FILE": str(proof)})
    assert made.proof.reveal() == "s.canary-of-the-file"
    assert ("LOCKSTEP_VAULT_TOKEN_FILE" in caplog.text) is warned
    assert "canary" not in caplog.text


@pytest.mark.parametrize("path", ["a/../b", "..", "./a"])
def test_a_mount_cannot_lead_elsewhere(path):
    """A segment of dots is a fault like any other."""
    with pytest.raises(SettingsError, match="LOCKSTEP_VAULT_MOUNT must have no empty segment"):
        VaultSettings.from_environment({"VAULT_ADDR": "https://v", "VAULT_TOKEN": "t", "LOCKSTEP_VAULT_MOUNT": path})


def test_the_table_of_the_configuration_is_read_and_a_variable_overrides_a_key_of_it():
    """The server's address, the token and a secret id stay variables."""
    text = "[vault]\nmount = 'team/kv'\nauth = 'approle'\nauth_mount = 'team/approle'\nrole_id = 'lockstep'\n"
    given = {"VAULT_ADDR": "https://v", "LOCKSTEP_CONFIG_TEXT": text, "LOCKSTEP_VAULT_SECRET_ID": "s"}
    made = VaultSettings.from_environment(given)
    assert (made.mount, made.method, made.login_mount) == ("team/kv", "approle", "team/approle")
    assert (made.role, made.proof.reveal()) == ("lockstep", "s")
    assert made.jwt_file == "/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert VaultSettings.from_environment({**given, "LOCKSTEP_VAULT_MOUNT": "own"}).mount == "own"
    with pytest.raises(SettingsError, match=r"vault\.mount in LOCKSTEP_CONFIG_TEXT must have no empty segment"):
        VaultSettings.from_environment({**given, "LOCKSTEP_CONFIG_TEXT": text.replace("team/kv", "a/../b")})


def test_a_misspelt_variable_of_the_job_is_a_fault():
    """A prefix that is misspelt would count as no prefix, and the job would find nothing due."""
    with pytest.raises(SettingsError, match="LOCKSTEP_VAULT_PREFX is no known variable; the nearest is LOCKSTEP_"):
        VaultSettings.from_environment({"VAULT_ADDR": "https://v", "VAULT_TOKEN": "t", "LOCKSTEP_VAULT_PREFX": "x"})
