"""The connection of ``lockstep vault plugin``: token and admin credential reach the named server and nobody else."""

import pytest

from rotation.core.errors import ConfigError, SettingsError, StoreDenied, StoreError, StoreUnavailable, StoreUnreachable
from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.serving import serve
from vault_plugin.provision.server import Server


def by_environment(address, **variables):
    """Return the server at an address."""
    return Server.from_environment({"VAULT_ADDR": address, "VAULT_TOKEN": "s.token", **variables})


def answering(body, kind="application/json", asked=None, status="200 OK"):
    """Return an application that always answers the same, and notes the token of each request."""

    def app(environ, start):
        (asked if asked is not None else []).append(environ.get("HTTP_X_VAULT_TOKEN", ""))
        start(status, [("Content-Type", kind)])
        return [body]

    return app


def test_a_redirect_is_not_followed():
    """A redirect would carry the token and its secrets to another host."""
    asked = []

    def redirecting(environ, start):
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start("307 Temporary Redirect", [("Location", target + environ["PATH_INFO"]), ("Content-Length", "0")])
        return [b""]

    named = answering(b'{"data": {}}', asked=asked)
    with serve(named) as target, serve(redirecting) as address, by_environment(address) as server:
        for call, *arguments in ((server.read, "sys/mounts"), (server.write, "database/config/x", {"key": "k"})):
            with pytest.raises(StoreUnavailable, match="redirects are not followed") as caught:
                call(*arguments)
            assert caught.value.vendor_code == "standby"
            assert "active node" in caught.value.hint
    assert asked == []


def test_an_answer_that_is_none_of_the_servers_is_typed():
    """A page of another program at this address is a StoreError."""
    page = serve(answering(b"<html>", "text/html"))
    with page as url, by_environment(url) as server, pytest.raises(StoreError, match="unexpected form"):
        server.read("sys/mounts")


@pytest.mark.parametrize("words", [b"error while dialing: dial unix /tmp/s", b"error reading from server: read unix @"])
def test_a_dead_plug_in_is_told_from_a_wrong_file(words):
    """The server's words for it (OpenBao 2.7.2), which ``test_upgrade`` hears from the server itself."""
    said = b'{"errors": ["rpc error: code = Unavailable desc = ' + words + b'"]}'
    page = serve(answering(said, status="500 Internal Server Error"))
    with page as url, by_environment(url) as server, pytest.raises(StoreError) as refused:
        server.read("database/config/x")
    assert "lockstep vault plugin rotate ROLE" in refused.value.hint


@pytest.mark.parametrize("address", ["http://vault.example:8200", "http://10.0.0.1:8200", "ftp://127.0.0.1", "vault"])
@pytest.mark.parametrize("name", ["VAULT", "BAO"])
def test_token_and_admin_credential_go_by_tls_alone(name, address):
    """Plain HTTP is allowed to loopback only."""
    with pytest.raises(SettingsError, match="VAULT_ADDR must"):
        Server.from_environment({f"{name}_ADDR": address, f"{name}_TOKEN": "s.token"})


def test_the_servers_certificate_is_checked_by_the_file_that_is_named(tmp_path):
    """BAO_CACERT overrides VAULT_CACERT; without either the system's certificates count."""
    certificate, ca = Certificate("127.0.0.1"), tmp_path / "ca.pem"
    ca.write_bytes(certificate.pem)
    with serve(answering(b'{"data": {"kv/": {}}}'), tls=certificate.context(tmp_path)) as address:
        for own in ({"VAULT_CACERT": str(ca)}, {"BAO_CACERT": str(ca), "VAULT_CACERT": "/no/such"}):
            with by_environment(address, **own) as server:
                assert server.read("sys/mounts") == {"kv/": {}}
        with by_environment(address) as server, pytest.raises(StoreUnreachable, match="not signed by an") as refused:
            server.read("sys/mounts")
    assert "VAULT_CACERT" in refused.value.hint


def test_a_server_without_address_or_token_is_not_asked():
    """Address and token come from the environment, and both are needed."""
    with pytest.raises(ConfigError):
        Server.from_environment({"VAULT_ADDR": "http://127.0.0.1:9"})


def test_a_servers_refusals_are_typed(openbao):
    """A token without rights is StoreDenied, a wrong body keeps the server's words, and a missing path is None."""
    server = Server(openbao.client())
    assert server.read("database-of-nobody/config/none") is None
    with pytest.raises(StoreError, match="sys/policies/password/x") as refused:
        server.write("sys/policies/password/x", {"policy": "no policy"})
    assert "the server's own words" in refused.value.hint
    with pytest.raises(StoreDenied):
        Server(openbao.client(Secret("s.nobody"))).read("sys/mounts")
    with by_environment("http://127.0.0.1:9") as nobody, pytest.raises(StoreUnreachable, match="nothing listens"):
        nobody.read("sys/mounts")
