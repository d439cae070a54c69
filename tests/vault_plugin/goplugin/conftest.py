"""A host for the plug-in: what go-plugin does to start it and to talk to it."""

import base64
import os
import ssl
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from grpclib.client import Channel
from grpclib.config import Configuration

from rotation_testkit.doubles.hosts.certificate import Certificate

COOKIE = {"VAULT_DATABASE_PLUGIN": "926a0820-aea2-be28-51d6-83cdf00e8edb"}


@dataclass
class Plugin:
    """The process of a plug-in, its handshake line, and how to connect to it."""

    process: subprocess.Popen[str]
    line: str
    mine: Certificate

    @property
    def fields(self):
        """Return the six fields of the handshake."""
        return self.line.split("|")

    def channel(self, identity=None, *, anonymous=False):
        """Return a connection with the host's certificate, another one, or none."""
        who = identity or self.mine
        padded = self.fields[5] + "=" * (-len(self.fields[5]) % 4)
        theirs = ssl.DER_cert_to_PEM_cert(base64.b64decode(padded))
        context = ssl.create_default_context(cadata=theirs)
        context.set_alpn_protocols(["h2"])
        if not anonymous:
            memory = os.memfd_create("host")
            os.write(memory, who._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + who.pem)
            context.load_cert_chain(f"/proc/self/fd/{memory}")
            os.close(memory)
        config = Configuration(ssl_target_name_override="localhost")
        if self.fields[2] == "unix":
            return Channel(path=self.fields[3], ssl=context, config=config)
        host, _, port = self.fields[3].partition(":")
        return Channel(host, int(port), ssl=context, config=config)


@dataclass
class Host:
    """Starts plug-ins as go-plugin does."""

    folder: Path
    mine: Certificate = field(default_factory=lambda: Certificate("127.0.0.1"))
    started: list[Plugin] = field(default_factory=list)

    def environment(self, **changes):
        """Return the plug-in's environment; ``None`` removes a variable."""
        given = {
            **COOKIE,
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.folder),
            "PLUGIN_PROTOCOL_VERSIONS": "5,6",
            "PLUGIN_CLIENT_CERT": self.mine.pem.decode(),
            "PLUGIN_MIN_PORT": "10000",
            "PLUGIN_MAX_PORT": "25000",
            **changes,
        }
        # Where coverage is measured, children are too.
        given |= {key: value for key, value in os.environ.items() if key.startswith("COVERAGE")}
        return {key: value for key, value in given.items() if value is not None}

    def start(self, *arguments, **changes):
        """Start a plug-in and read its line."""
        process = subprocess.Popen(
            [sys.executable, "-m", "vault_plugin.database", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(**changes),
        )
        plugin = Plugin(process, process.stdout.readline().rstrip("\n"), self.mine)
        self.started.append(plugin)
        return plugin

    def close(self):
        """End the plug-ins that still run."""
        for plugin in self.started:
            if plugin.process.poll() is None:
                plugin.process.kill()
            plugin.process.wait()
            plugin.process.stdout.close()
            plugin.process.stderr.close()


@pytest.fixture
def host():
    """Yield a host with a short folder for sockets; pytest's own folders are too deep."""
    with tempfile.TemporaryDirectory(prefix="host") as folder:
        started = Host(Path(folder))
        yield started
        started.close()
