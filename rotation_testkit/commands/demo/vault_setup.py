"""The set-up of the Vault half: OpenBao with the plug-in installed, and two vendors.

It is prepared in the background while the AWS half runs.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rotation.core.clock import Clock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import StoreError
from rotation.core.secret import Secret
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers.guarded import Guarded
from rotation_testkit.commands.demo.screen import Message, action
from rotation_testkit.doubles.vault.kv2 import ServedKv, mounted
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.doubles.vendors.huawei_meeting.sandbox import CODE as HUAWEI
from rotation_testkit.doubles.vendors.huawei_meeting.sandbox import serve as serve_meeting
from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import CODE as UCLOUD
from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import SECOND_CONTAINER
from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import serve as serve_compshare
from rotation_testkit.sandbox.clock import ShiftedClock
from rotation_testkit.sandbox.vendors import SandboxAccount, ServedVendor
from vault_plugin.provision.build import Built, build
from vault_plugin.provision.declaration import DesiredState, load
from vault_plugin.provision.install import InstallStep, install, role_path
from vault_plugin.provision.server import Server

ROLES = {"gpu-1": UCLOUD, "gpu-2": SECOND_CONTAINER}
"""The containers by their roles' names."""
PERIOD, KV_PATH = 5, f"apps/{HUAWEI}"
_MOUNT, _ADMIN, _SECONDS = "secret", "admin", 30.0
POLICY = """
path "secret/data/apps/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/apps/*" { capabilities = ["list", "read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
"""
"""What the KV job may do: examples/vault/policy.hcl without the admin credentials, which this account does not need."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What readers of a static role get. ``rotated`` is the server's time of the last rotation."""

    password: Secret
    rotated: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultSetup:
    """Everything that runs.

    Attributes:
        server: OpenBao, logging at trace.
        clock: of the vendors and the job; the server and the plug-in use the machine's.
        containers: CompShare with a container for each role.
        meeting: Huawei Meeting with the account that is kept in KV.
        wanted: the declarative file.
        operator: the server, for an operator.
        kv: its KV engine, for an operator.
        login: how the KV job logs in, as environment variables.
        prepared: the messages about the preparation.
    """

    server: OpenBao
    clock: ShiftedClock
    containers: ServedVendor
    meeting: ServedVendor
    wanted: DesiredState
    operator: Server
    kv: ServedKv
    login: Mapping[str, str] = field(repr=False)
    prepared: tuple[Message, ...]

    def container(self, role: str) -> SandboxAccount:
        """Return a role's container."""
        return self.containers.accounts[ROLES[role]]

    @property
    def kv_account(self) -> SandboxAccount:
        """The meeting account, whose password is kept in KV."""
        return self.meeting.accounts[HUAWEI]

    def stored(self, role: str) -> Credentials:
        """Return what readers of a role get.

        Raises:
            StoreError: the server does not answer.
        """
        there = self.operator.read(f"{self.wanted.plugin.mount}/static-creds/{role}") or {}
        return Credentials(password=Secret(str(there["password"])), rotated=str(there["last_vault_rotation"]))

    def kv_password(self, *, back: int = 0) -> Secret | None:
        """Return the password in KV, or the one ``back`` versions before it."""
        newest = self.kv.read(KV_PATH)
        if newest is None or newest.version <= back:
            return None
        entry = self.kv.read(KV_PATH, version=newest.version - back)
        return None if entry is None or entry.document is None else entry.document.password

    def set_period(self, role: str, seconds: int) -> None:
        """Change how often a role is rotated. No rotation of it is under way when this succeeds.

        Raises:
            StoreError: among other reasons because a rotation is.
        """
        wanted = self.wanted.role(role)
        body = {"db_name": wanted.connection, "username": wanted.username, "rotation_period": seconds}
        self.operator.write(role_path(self.wanted, wanted.name), body)

    def job_environment(self) -> dict[str, str]:
        """Return the variables of the KV job, its secret id included."""
        server = {"VAULT_ADDR": self.server.address, "LOCKSTEP_VAULT_MOUNT": _MOUNT}
        return {**_deployment(self.containers, self.meeting), **server, **self.login}

    def bound(self, account: SandboxAccount) -> Guarded:
        """Return an account bound by the product itself, for a real login."""
        clock: Clock = self.clock if account is self.kv_account else SystemClock()
        bind = Binder(
            deployment=Deployment.from_environment(_deployment(self.containers, self.meeting)),
            fetch=lambda _: SecretDocument(self.containers.admin or {}),
            clock=clock,
            time_left=lambda: _SECONDS,
        )
        return bind(SecretDocument(account.document))


@contextmanager
def preparing() -> Iterator[Future[VaultSetup]]:
    """Prepare everything in the background; whatever was started ends with the block."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lockstep-", ignore_cleanup_errors=True)))
        clock = ShiftedClock()
        containers = stack.enter_context(serve_compshare(clock.now, tuple(ROLES.values())))
        account = stack.enter_context(serve_meeting(clock.now, (HUAWEI,)))
        server = OpenBao(home)
        stack.callback(_end, server)
        pool = stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="demo"))  # waits for what has begun
        plugin = pool.submit(_timed, lambda: build(server.plugins / "lockstep-plugin"))
        yield pool.submit(_prepare, server, plugin, clock, containers, account)


def children(server: OpenBao) -> list[int]:
    """Return the process ids of the server's plug-ins."""
    found: list[int] = []
    with suppress(OSError):  # A thread may end meanwhile.
        for task in Path(f"/proc/{server.pid}/task").iterdir():
            found += [int(each) for each in (task / "children").read_text().split()]
    return found


def gone(pid: int) -> bool:
    """Return whether a process has ended; one that its parent has not waited for counts."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


def kill(server: OpenBao) -> list[int]:
    """Kill the plug-ins, then their server, at once. Returns the process ids."""
    plugins = children(server)
    ended = [*plugins, server.pid]
    for pid in plugins:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.kill()
    return ended


def _end(server: OpenBao) -> None:
    with suppress(RuntimeError):  # It does not run.
        kill(server)
    server.stop()


def _prepare(
    server: OpenBao,
    plugin: Future[tuple[Built, float]],
    clock: ShiftedClock,
    containers: ServedVendor,
    account: ServedVendor,
) -> VaultSetup:
    _, starting = _timed(server.start)
    client = server.client()
    kv = mounted(client, _MOUNT)
    kv.write(KV_PATH, SecretDocument(account.accounts[HUAWEI].document), cas=0)
    operator = Server(client)
    wanted = _declared(server.home, containers)
    login, allowing = _timed(lambda: _login(client))
    built, building = plugin.result()
    deeds, installing = _timed(lambda: list(install(operator, wanted)))
    require_installed(deeds)
    version = client.sys.read_health_status(method="GET")["version"]
    roles = ", ".join(each.name for each in deeds if each.what == "role")
    return VaultSetup(
        server=server,
        clock=clock,
        containers=containers,
        meeting=account,
        wanted=wanted,
        operator=operator,
        kv=kv,
        login=login,
        prepared=(
            action("OpenBao", f"{version} serves: raft, one node", starting),
            action("plug-in", f"one file, SHA-256 {built.sha256[:12]}...", building),
            action("KV job", "logs in by AppRole and may use its own folder alone", allowing),
            action("install", f"plug-in, password policy, connection, static roles {roles}", installing),
        ),
    )


def require_installed(steps: Iterable[InstallStep]) -> None:
    """Refuse to show rotations over an installation that is not whole.

    Raises:
        StoreError: names the first step that failed, and why.
    """
    for each in steps:
        if each.outcome == "failed":
            raise StoreError(f"{each.what} {each.name} was not installed: {each.why}", hint=each.hint)


def _login(client: Any) -> dict[str, str]:  # noqa: ANN401 - hvac has no types
    """Set up the KV job's AppRole as an operator would, with the one policy."""
    client.sys.enable_auth_method("approle")
    client.sys.create_or_update_policy("lockstep-job", POLICY)
    approle = client.auth.approle
    approle.create_or_update_approle(
        "lockstep-job",
        token_policies=["lockstep-job"],
        token_no_default_policy=True,
        token_ttl="10m",  # noqa: S106 - a duration
    )
    return {
        "LOCKSTEP_VAULT_AUTH": "approle",
        "LOCKSTEP_VAULT_ROLE_ID": approle.read_role_id("lockstep-job")["data"]["role_id"],
        "LOCKSTEP_VAULT_SECRET_ID": approle.generate_secret_id("lockstep-job")["data"]["secret_id"],
    }


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.monotonic()
    return work(), time.monotonic() - started


def _declared(home: Path, containers: ServedVendor) -> DesiredState:
    """Write the file that `lockstep vault plugin install` reads; the admin credential is removed once it was read."""
    (home / "admin.json").write_text(json.dumps(containers.admin))
    (home / "admin.json").chmod(0o600)
    lines = [
        "[plugin]",
        'file = "plugins/lockstep-plugin"',
        "tick_seconds = 1",
        "[connections.compshare]",
        f'driver = "{UCLOUD}"',
        'admin = "admin.json"',
        f'endpoint = "{containers.endpoint}"',
        f'hosts = "{urlsplit(containers.endpoint).netloc}"',
        "propagation_seconds = 0",  # these containers take a password at once
    ]
    for role, key in ROLES.items():
        document = containers.accounts[key].document
        options = {name: document[name] for name in ("region", "zone", "uhost_id", "host_key")}
        table = ", ".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
        lines += [
            f"[roles.{role}]",
            'connection = "compshare"',
            f'username = "{document["username"]}"',
            f"period = {PERIOD}",
            'policy = "container"',
            f"options = {{ {table} }}",
        ]
    path = home / "lockstep.toml"
    path.write_text("\n".join(lines) + "\n")
    try:
        return load(path)
    finally:
        (home / "admin.json").unlink()


def _deployment(containers: ServedVendor, meeting: ServedVendor) -> dict[str, str]:
    codes = {UCLOUD: containers, HUAWEI: meeting}
    return {
        "LOCKSTEP_DRIVERS": ",".join(codes),
        "LOCKSTEP_HOSTS": ",".join(urlsplit(each.endpoint).netloc for each in codes.values()),
        **{f"LOCKSTEP_{code.upper()}_ENDPOINT": each.endpoint for code, each in codes.items()},
        f"LOCKSTEP_{UCLOUD.upper()}_ADMIN_SECRET": _ADMIN,
    }
