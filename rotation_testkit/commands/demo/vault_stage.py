"""What the demonstration's Vault half plays on: OpenBao with the plug-in installed, and two vendors.

All of it is made ready in the background, while the other half is shown.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from rotation.core.clock import Clock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers.guarded import Guarded
from rotation_testkit.commands.demo.screen import Done
from rotation_testkit.doubles.vault.kv2 import ServedKv, mounted
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.sandbox.sandbox import ShiftedClock
from rotation_testkit.sandbox.vendors import HUAWEI, SECOND_CONTAINER, UCLOUD, Estate, Tenant, compshare, meeting
from vault_plugin.provision.build import Built, build
from vault_plugin.provision.declaration import DesiredState, load
from vault_plugin.provision.install import install, role_path
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
"""What the KV job may do: examples/vault/policy.hcl without admin credentials, which its account has none of."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What readers of a static role get. ``rotated`` is the server's own note of the last rotation."""

    password: Secret
    rotated: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that runs.

    Attributes:
        server: OpenBao, logging at trace.
        clock: the vendors' and the job's; the server and the plug-in have the machine's.
        containers: CompShare with a container for each role.
        meeting: Huawei Meeting with the account that is kept in KV.
        wanted: the declarative file.
        operator: the server, for an operator.
        kv: its KV engine, for an operator.
        login: how the KV job logs in, as environment variables.
        prepared: what was done to come here.
    """

    server: OpenBao
    clock: ShiftedClock
    containers: Estate
    meeting: Estate
    wanted: DesiredState
    operator: Server
    kv: ServedKv
    login: Mapping[str, str] = field(repr=False)
    prepared: tuple[Done, ...]

    def tenant(self, role: str) -> Tenant:
        """Return a role's container."""
        return self.containers.tenants[ROLES[role]]

    @property
    def member(self) -> Tenant:
        """The meeting account."""
        return self.meeting.tenants[HUAWEI]

    def stored(self, role: str) -> Credentials:
        """Return what readers of a role get.

        Raises:
            StoreError: the server cannot say.
        """
        there = self.operator.read(f"{self.wanted.plugin.mount}/static-creds/{role}") or {}
        return Credentials(password=Secret(str(there["password"])), rotated=str(there["last_vault_rotation"]))

    def kept(self, *, back: int = 0) -> Secret | None:
        """Return the password in KV, or the one so many versions before it."""
        newest = self.kv.read(KV_PATH)
        if newest is None or newest.version <= back:
            return None
        entry = self.kv.read(KV_PATH, version=newest.version - back)
        return None if entry is None or entry.document is None else entry.document.password

    def set_period(self, role: str, seconds: int) -> None:
        """Change how often a role is rotated. No rotation of it is under way when this succeeds.

        Raises:
            StoreError: among others because a rotation is.
        """
        wanted = self.wanted.role(role)
        body = {"db_name": wanted.connection, "username": wanted.username, "rotation_period": seconds}
        self.operator.write(role_path(self.wanted, wanted), body)

    def job_environment(self) -> dict[str, str]:
        """Return the variables of the KV job; they hold its secret id."""
        server = {"VAULT_ADDR": self.server.address, "LOCKSTEP_VAULT_MOUNT": _MOUNT}
        return {**_deployment(self.containers, self.meeting), **server, **self.login}

    def account(self, tenant: Tenant) -> Guarded:
        """Return an account as the product itself sees it, for a real login."""
        clock: Clock = self.clock if tenant is self.member else SystemClock()
        bind = Binder(
            deployment=Deployment.from_environment(_deployment(self.containers, self.meeting)),
            fetch=lambda _: SecretDocument(self.containers.admin or {}),
            clock=clock,
            time_left=lambda: _SECONDS,
        )
        return bind(SecretDocument(tenant.document))


@contextmanager
def staged() -> Iterator[Future[Stage]]:
    """Begin to make everything ready; whatever was started ends with the block, however that ends."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lockstep-", ignore_cleanup_errors=True)))
        clock = ShiftedClock()
        containers = stack.enter_context(compshare(clock.now, tuple(ROLES.values())))
        account = stack.enter_context(meeting(clock.now, (HUAWEI,)))
        server = OpenBao(home)
        stack.callback(_end, server)
        pool = stack.enter_context(ThreadPoolExecutor(2, thread_name_prefix="stage"))  # waits for what has begun
        plugin = pool.submit(_timed, lambda: build(server.plugins / "lockstep-plugin"))
        yield pool.submit(_prepare, server, plugin, clock, containers, account)


def children(server: OpenBao) -> list[int]:
    """Return the process ids of the server's plug-ins."""
    found: list[int] = []
    with suppress(OSError):  # A thread may end while it is looked at.
        for task in Path(f"/proc/{server.pid}/task").iterdir():
            found += [int(each) for each in (task / "children").read_text().split()]
    return found


def gone(pid: int) -> bool:
    """Say whether a process has ended, be it that nobody has taken notice yet."""
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
    server: OpenBao, plugin: Future[tuple[Built, float]], clock: ShiftedClock, containers: Estate, account: Estate
) -> Stage:
    _, starting = _timed(server.start)
    client = server.client()
    kv = mounted(client, _MOUNT)
    kv.write(KV_PATH, SecretDocument(account.tenants[HUAWEI].document), cas=0)
    operator = Server(client)
    wanted = _declared(server.home, containers)
    login, allowing = _timed(lambda: _login(client))
    built, building = plugin.result()
    deeds, installing = _timed(lambda: list(install(operator, wanted)))
    version = client.sys.read_health_status(method="GET")["version"]
    roles = ", ".join(each.name for each in deeds if each.what == "role")
    return Stage(
        server=server,
        clock=clock,
        containers=containers,
        meeting=account,
        wanted=wanted,
        operator=operator,
        kv=kv,
        login=login,
        prepared=(
            Done("OpenBao", f"{version} serves: raft, one node", starting),
            Done("plug-in", f"one file, SHA-256 {built.sha256[:12]}...", building),
            Done("KV job", "logs in by AppRole and may use its own folder alone", allowing),
            Done("install", f"plug-in, password policy, connection, static roles {roles}", installing),
        ),
    )


def _login(client: Any) -> dict[str, str]:  # noqa: ANN401 - hvac has no types
    """Let the KV job log in by AppRole, as an operator would; the role's policy is all that it may do."""
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


def _declared(home: Path, containers: Estate) -> DesiredState:
    """Write the file that `lockstep vault plugin install` takes, with the admin credential beside it for the moment."""
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
        "propagation_seconds = 0",  # as is known of these containers
    ]
    for role, key in ROLES.items():
        document = containers.tenants[key].document
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


def _deployment(*estates: Estate) -> dict[str, str]:
    codes = {UCLOUD: estates[0], HUAWEI: estates[1]}
    return {
        "LOCKSTEP_DRIVERS": ",".join(codes),
        "LOCKSTEP_HOSTS": ",".join(urlsplit(each.endpoint).netloc for each in estates),
        **{f"LOCKSTEP_{code.upper()}_ENDPOINT": each.endpoint for code, each in codes.items()},
        f"LOCKSTEP_{UCLOUD.upper()}_ADMIN_SECRET": _ADMIN,
    }
