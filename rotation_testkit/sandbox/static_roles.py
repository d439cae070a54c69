"""A rig on the real server: the plug-in in its folder, and a vendor whose users are its roles."""

from __future__ import annotations

import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import hvac
import pytest

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy.render import to_hcl
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from rotation_testkit.sandbox.vendors import Estate
from vault_plugin.database import VERSION
from vault_plugin.provision.build import Built, build

VENDOR_POLICIES = vendor_policies()


@dataclass
class Rig:
    """A real server with the plug-in in its folder, and the few calls that tests make."""

    server: OpenBao
    built: Built
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    registered: set[str] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)
    read: int = 0
    errors: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Connect."""
        self.client = self.server.client()
        self.adapter = self.client.adapter

    @classmethod
    def on(cls, server: OpenBao, built: Built) -> Rig:
        """Put the plug-in into a running server's folder."""
        return cls(server, replace(built, path=Path(shutil.copy(built.path, server.plugins))))

    def failures(self, role: str) -> int:
        """How often the scheduler could not rotate a role so far; reads on in the server's log where it stopped."""
        with self.server.log.open("rb") as log:
            log.seek(self.read)
            whole, end, _ = log.read().rpartition(b"\n")
        self.read += len(whole + end)
        self.errors += [line for line in whole.splitlines() if b" error=" in line]
        return sum(f"role={role} error=".encode() in line for line in self.errors)

    def name(self, kind: str) -> str:
        """A name that nobody else has."""
        return f"{kind}-{next(self.names)}"

    def plugin(self, name: str) -> str:
        """Register the plug-in, which starts it; each name has a process of its own."""
        if name not in self.registered:
            body = {"sha256": self.built.sha256, "command": self.built.path.name, "version": VERSION}
            self.adapter.put(f"/v1/sys/plugins/catalog/database/{name}", json=body)
            self.registered.add(name)
        return name

    def mount(self, name: str, tick: int = 1) -> str:
        """A database engine with a scheduler of its own."""
        options = {"rotation_queue_tick_interval": str(tick)}
        self.adapter.post(f"/v1/sys/mounts/{name}", json={"type": "database", "options": options})
        return name

    def policy(self, code: str, variant: str) -> str:
        """The driver's password policy, as the server draws by it."""
        name = f"{code}-{variant}"
        if name not in self.policies:
            body = {"policy": to_hcl(VENDOR_POLICIES[code][variant]).text}
            self.adapter.put(f"/v1/sys/policies/password/{name}", json=body)
            self.policies.add(name)
        return name

    def directory(self, stack: ExitStack, plugin: str = "lockstep", **config: object) -> Directory:
        """A vendor of directory users, with a mount and a connection of its own."""
        vendor = VolcengineCloudIdentity()
        url, key = stack.enter_context(vendor.serve()), vendor.credentials
        admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
        mount = self._connected("volcengine_cloudidentity", "default", url, {**admin, **config}, plugin)
        return Directory(self, mount, vendor=vendor)

    def roles(self, code: str, variant: str, estate: Estate, **config: object) -> Roles:
        """A mount and a connection of their own for a vendor's accounts."""
        return Roles(self, self._connected(code, variant, estate.endpoint, {**(estate.admin or {}), **config}))

    def _connected(
        self, code: str, variant: str, url: str, config: Mapping[str, object], plugin: str = "lockstep"
    ) -> str:
        mount = self.mount(self.name("mount"))
        body = {
            "plugin_name": self.plugin(plugin),
            "allowed_roles": "*",
            "password_policy": self.policy(code, variant),
            "driver": code,
            "endpoint": url,
            "hosts": url.removeprefix("http://"),
            **config,
        }
        self.adapter.post(f"/v1/{mount}/config/vendor", json=body)
        return mount


@dataclass
class Roles:
    """Static roles of one vendor's accounts in one mount."""

    rig: Rig
    mount: str
    usernames: dict[str, str] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def make(self, name: str, username: str, options: Mapping[str, object], period: int = 3600) -> None:
        """Make a role, which rotates its account at once."""
        self.usernames[name] = username
        statements = [f"{key}={value}" for key, value in options.items()]
        body = {"db_name": "vendor", "username": username, "rotation_period": period}
        self.rig.adapter.post(f"/v1/{self.mount}/static-roles/{name}", json={**body, "rotation_statements": statements})

    def set_period(self, name: str, seconds: int) -> None:
        """Let the scheduler find the role due, or not."""
        body = {"db_name": "vendor", "username": self.usernames[name], "rotation_period": seconds}
        while True:
            try:
                self.rig.adapter.post(f"/v1/{self.mount}/static-roles/{name}", json=body)
            except hvac.exceptions.InternalServerError as error:
                # The first until a server that has just started has looked at the roles, or while the role is being
                # rotated; the second when a rotation ended meanwhile. Nothing was changed.
                if not any(each in str(error) for each in ("queue is empty", "transaction commit failed")):
                    raise
                time.sleep(0.1)
            else:
                return

    def press(self, name: str) -> None:
        """Have the role tried again at once if it failed since the last look; the server waits 10 seconds."""
        failures = self.rig.failures(name)
        if failures > self.failures.get(name, 0):
            self.failures[name] = failures
            self.set_period(name, 5)

    def last(self, name: str) -> str:
        """The server's note of the last rotation."""
        return str(self.rig.adapter.get(f"/v1/{self.mount}/static-roles/{name}")["data"]["last_vault_rotation"])

    def stored(self, name: str) -> Secret:
        """What readers get."""
        return Secret(self.rig.adapter.get(f"/v1/{self.mount}/static-creds/{name}")["data"]["password"])


@dataclass(kw_only=True)
class Directory(Roles):
    """Users of one vendor, each a static role of the same name."""

    vendor: VolcengineCloudIdentity
    ids: dict[str, str] = field(default_factory=dict)

    def role(self, name: str, period: int = 3600) -> str:
        """Make a user and its role."""
        user = self.vendor.add_user(name, Secret("Old-Passw0rd-1234!"))
        self.ids[name] = user.user_id
        self.make(name, name, {"user_id": user.user_id}, period)
        return name

    def live(self, name: str) -> Secret | None:
        """What the vendor takes."""
        return self.vendor.live_password(self.ids[name])

    def equal(self, name: str) -> bool:
        """Whether both are the same."""
        return self.stored(name) == self.live(name)

    def hang(self) -> tuple[threading.Event, threading.Event]:
        """Let the next reset take effect and its answer wait. Returns "it took effect" and "answer now"."""
        reached, release = threading.Event(), threading.Event()
        self.vendor.faults.add("ResetPassword", FaultKind.HANG, applied=True, event=release, reached=reached)
        return reached, release

    def sent(self) -> list[bytes]:
        """The bodies of all resets that reached the vendor."""
        return [each.body for each in self.vendor.captured if "Action=ResetPassword" in each.url]


class Helpers:
    """What tests share; modules of tests cannot import one another."""

    @staticmethod
    def wait_until(holds: Callable[[], bool], what: str, seconds: float = 100.0) -> None:
        """Look again and again; the limit is far beyond what anything takes."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            time.sleep(0.25)  # the scheduler looks once in a second

    @staticmethod
    def children(pid: int) -> list[int]:
        """The process ids of a process's children."""
        found: list[int] = []
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(each) for each in (task / "children").read_text().split()]
        return found

    @staticmethod
    def running(pid: int) -> bool:
        """Whether the process is there and has not ended; one that nobody waited for leaves its entry behind."""
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except (FileNotFoundError, ProcessLookupError):
            return False

    @classmethod
    def newest_child(cls, pid: int) -> int:
        """The process that was started last."""
        return max(cls.children(pid), key=lambda child: int(Path(f"/proc/{child}/stat").read_text().split()[21]))


@pytest.fixture
def helpers() -> type[Helpers]:
    """See ``Helpers``."""
    return Helpers


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The plug-in's file; building it takes a second."""
    return build(tmp_path_factory.mktemp("built") / "lockstep-plugin")


@pytest.fixture(scope="session")
def _rig(raft_server: OpenBao, built: Built) -> Rig:
    return Rig.on(raft_server, built)


@pytest.fixture
def rig(_rig: Rig, raft: OpenBao) -> Rig:
    """The plug-in on the worker's raft server, which a test may kill."""
    assert _rig.server is raft
    return _rig


@pytest.fixture
def own_rig(tmp_path: Path, built: Built) -> Iterator[Rig]:
    """A raft server that nobody else has, for what takes minutes."""
    with OpenBao(tmp_path) as server:
        yield Rig.on(server, built)


@pytest.fixture
def on_server(built: Built) -> Callable[[OpenBao], Rig]:
    """Put the plug-in on a server that a test started."""
    return lambda server: Rig.on(server, built)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is entered here ends before the server does."""
    with ExitStack() as entered:
        yield entered
