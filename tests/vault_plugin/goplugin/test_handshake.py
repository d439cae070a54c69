"""``Offer.read`` refuses every start that is not by a host which the plug-in can check."""

import pytest

from vault_plugin.goplugin.handshake import Cookie, HandshakeError, Offer


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"VAULT_DATABASE_PLUGIN": None}, "Vault and OpenBao, which start it"),
        ({"PLUGIN_PROTOCOL_VERSIONS": "4"}, "protocol versions"),
        ({"PLUGIN_CLIENT_CERT": None}, "sent no certificate"),
    ],
)
def test_a_host_that_cannot_be_checked_is_refused(host, changes, said):
    """A start by hand, an unknown protocol version and a host without a certificate are refused."""
    cookie = Cookie("VAULT_DATABASE_PLUGIN", "926a0820-aea2-be28-51d6-83cdf00e8edb")
    with pytest.raises(HandshakeError, match=said):
        Offer.read(host.environment(**changes), cookie, frozenset({5, 6}))
