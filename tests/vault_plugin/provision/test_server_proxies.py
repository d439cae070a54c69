"""The commands of ``lockstep vault plugin`` reach a server on loopback directly."""

from __future__ import annotations

from rotation_testkit.doubles.proxy import EavesdroppingProxy
from rotation_testkit.doubles.vault.openbao import OpenBao
from vault_plugin.provision.server import Server


def test_token_and_admin_credential_tell_the_proxy_nothing(openbao: OpenBao, proxy: EavesdroppingProxy) -> None:
    """A read and a write reach the server; localhost is loopback by another name."""
    token = openbao.root_token.reveal()
    for address in (openbao.address, openbao.address.replace("127.0.0.1", "localhost")):
        with Server.from_environment({"VAULT_ADDR": address, "VAULT_TOKEN": token}) as server:
            assert "secret/" in (server.read("sys/mounts") or {})
            server.write("secret/data/proxies", {"data": {"private_key": "k"}})
    assert proxy.heard == []
