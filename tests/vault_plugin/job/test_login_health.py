"""The server is asked how it is before anything else."""

from __future__ import annotations

import pytest

from rotation.core.errors import StoreUnavailable
from rotation_testkit.doubles.serving import serve
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.sandbox.sandbox import ShiftedClock
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings


def test_the_server_is_asked_how_it_is(tmp_path):
    """A sealed one, and one that is gone, are named at once."""
    with OpenBao(tmp_path, storage="inmem", log_level="error") as server:
        made = VaultSettings.from_environment({"VAULT_ADDR": server.address, "VAULT_TOKEN": "t"})
        with Login(made, clock=ShiftedClock()) as login:
            login.check()
            server.client().sys.seal()
            with pytest.raises(StoreUnavailable) as caught:
                login.check()
            assert caught.value.vendor_code == "sealed"
            server.kill()
            with pytest.raises(StoreUnavailable) as caught:
                login.check()
            assert caught.value.vendor_code == "unreachable"


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, None), (429, None), (473, None), (472, "standby"), (501, "not_initialized"), (503, "sealed")],
)
def test_every_state_of_a_node_has_a_meaning(status, code):
    """Both kinds of standby serve, by passing requests on; a disaster-recovery secondary does not."""

    def health(environ, start):
        assert environ["PATH_INFO"] == "/v1/sys/health"
        start(f"{status} x", [("Content-Type", "application/json")])
        return [b"{}"]

    with serve(health) as address:
        made = VaultSettings.from_environment({"VAULT_ADDR": address, "VAULT_TOKEN": "t", "VAULT_NAMESPACE": "team"})
        with Login(made, clock=ShiftedClock()) as login:
            if code is None:
                login.check()
                return
            with pytest.raises(StoreUnavailable) as caught:
                login.check()
            assert caught.value.vendor_code == code
