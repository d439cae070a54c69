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
