"""Static roles on a real OpenBao: the database plug-in in the server's folder, and vendors whose accounts are roles.

``PluginServer`` registers the plug-in and connects vendors; ``StaticRoles`` are one vendor's roles in one mount, and
``DirectoryRoles`` those of a simulated directory, whose users they create.
"""

from __future__ import annotations

import itertools
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import hvac

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation.policy.render import to_hcl
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from rotation_testkit.sandbox.vendors import ServedVendor
from vault_plugin.database import VERSION
from vault_plugin.provision.build import Built

OLD = Secret("Old-Passw0rd-1234!")
"""The password that an account has before its first rotation."""
_PASSING = ("queue is empty", "transaction commit failed")
"""What the server says while it loads its roles after a start or rotates this one, and when a rotation just ended."""


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 100.0) -> None:
    """Wait until a condition holds.

    Raises:
        TimeoutError: it did not hold within ``seconds``, a limit far beyond what anything takes.
    """
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.25)  # the scheduler looks once in a second


@dataclass
class PluginServer:
    """A real server with the plug-in in its folder, and the few calls that tests make."""

    server: OpenBao
    built: Built
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _done: set[str] = field(default_factory=set)
    _read: int = 0
    _errors: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = self.server.client()
        self.adapter = self.client.adapter

    @classmethod
    def on(cls, server: OpenBao, built: Built) -> PluginServer:
        """Put the plug-in into a running server's folder."""
        return cls(server, replace(built, path=Path(shutil.copy(built.path, server.plugins))))

    def failures(self, role: str) -> int:
        """Return how often the scheduler could not rotate a role so far; read the server's log from where it ended."""
        with self.server.log.open("rb") as log:
            log.seek(self._read)
            whole, end, _ = log.read().rpartition(b"\n")
        self._read += len(whole + end)
        self._errors += [line for line in whole.splitlines() if b" error=" in line]
        return sum(f"role={role} error=".encode() in line for line in self._errors)

    def name(self, kind: str) -> str:
        """Return a name that is used nowhere else."""
        return f"{kind}-{next(self._numbers)}"

    def directory(self, stack: ExitStack, plugin: str = "lockstep", **config: object) -> DirectoryRoles:
        """Return the roles of a vendor of directory users, with a mount and a connection of its own."""
        vendor = VolcengineCloudIdentity()
        url, key = stack.enter_context(vendor.serve()), vendor.credentials
        admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
        mount = self._connected("volcengine_cloudidentity", "default", url, {**admin, **config}, plugin)
        return DirectoryRoles(self, mount, vendor=vendor)

    def roles(self, code: str, variant: str, estate: ServedVendor, **config: object) -> StaticRoles:
        """Return the roles of a vendor's accounts, with a mount and a connection of their own."""
        return StaticRoles(self, self._connected(code, variant, estate.endpoint, {**(estate.admin or {}), **config}))

    def _connected(
        self, code: str, variant: str, url: str, config: Mapping[str, object], plugin: str = "lockstep"
    ) -> str:
        mount = self.name("mount")
        policy = {"policy": to_hcl(vendor_policies()[code][variant]).text}
        registered = {"sha256": self.built.sha256, "command": self.built.path.name, "version": VERSION}
        # Registering starts the plug-in, so it is done once; each name has a process of its own.
        self._once(f"sys/plugins/catalog/database/{plugin}", registered)
        self._once(f"sys/policies/password/{code}-{variant}", policy)
        options = {"rotation_queue_tick_interval": "1"}
        self.adapter.post(f"/v1/sys/mounts/{mount}", json={"type": "database", "options": options})
        body = {
            "plugin_name": plugin,
            "allowed_roles": "*",
            "password_policy": f"{code}-{variant}",
            "driver": code,
            "endpoint": url,
            "hosts": url.removeprefix("http://"),
            **config,
        }
        self.adapter.post(f"/v1/{mount}/config/vendor", json=body)
        return mount

    def _once(self, path: str, body: Mapping[str, object]) -> None:
        if path not in self._done:
            self.adapter.put(f"/v1/{path}", json=body)
            self._done.add(path)


@dataclass
class StaticRoles:
    """Static roles of one vendor's accounts in one mount."""

    plugin_server: PluginServer
    mount: str
    _usernames: dict[str, str] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def make(self, name: str, username: str, options: Mapping[str, object], period: int = 3600) -> None:
        """Make a role, which rotates its account at once."""
        self._usernames[name] = username
        statements = [f"{key}={value}" for key, value in options.items()]
        self._write(name, {"rotation_period": period, "rotation_statements": statements})

    def set_period(self, name: str, seconds: int) -> None:
        """Make the role due for the scheduler, or not due."""
        while True:
            try:
                self._write(name, {"rotation_period": seconds})
            except hvac.exceptions.InternalServerError as error:
                if not any(each in str(error) for each in _PASSING):
                    raise
                time.sleep(0.1)  # nothing was changed
            else:
                return

    def retry_now(self, name: str) -> None:
        """Make the server retry the role at once if it failed since the last call, instead of after 10 seconds."""
        failures = self.plugin_server.failures(name)
        if failures > self._failures.get(name, 0):
            self._failures[name] = failures
            self.set_period(name, 5)

    def last(self, name: str) -> str:
        """Return the server's note of the last rotation."""
        return str(self._read(f"static-roles/{name}")["last_vault_rotation"])

    def stored(self, name: str) -> Secret:
        """Return the password that readers get."""
        return Secret(str(self._read(f"static-creds/{name}")["password"]))

    def _read(self, path: str) -> Mapping[str, Any]:
        data: Mapping[str, Any] = self.plugin_server.adapter.get(f"/v1/{self.mount}/{path}")["data"]
        return data

    def _write(self, name: str, fields: Mapping[str, object]) -> None:
        body = {"db_name": "vendor", "username": self._usernames[name], **fields}
        self.plugin_server.adapter.post(f"/v1/{self.mount}/static-roles/{name}", json=body)


@dataclass(kw_only=True)
class DirectoryRoles(StaticRoles):
    """Users of one simulated directory, each a static role of the same name."""

    vendor: VolcengineCloudIdentity
    ids: dict[str, str] = field(default_factory=dict)

    def role(self, name: str, period: int = 3600) -> str:
        """Make a user and its role."""
        user = self.vendor.add_user(name, OLD)
        self.ids[name] = user.user_id
        self.make(name, name, {"user_id": user.user_id}, period)
        return name

    def live(self, name: str) -> Secret | None:
        """Return the password that the vendor accepts."""
        return self.vendor.live_password(self.ids[name])

    def equal(self, name: str) -> bool:
        """Return whether the stored password is the live one."""
        return self.stored(name) == self.live(name)

    def declare(self, folder: Path, plugin: Mapping[str, object], name: str, *, period: int = 3600) -> Path:
        """Write the declarative file of one role, and its admin credential; return the file."""
        key, details = self.vendor.credentials, self._read("config/vendor")["connection_details"]
        admin = {"access_key": key.access_key, "secret_key": key.secret_key.reveal()}
        (folder / "admin.json").write_text(json.dumps(admin))
        path = folder / "lockstep.toml"
        path.write_text(
            "[plugin]\n"
            + "".join(f"{field} = {json.dumps(value)}\n" for field, value in plugin.items())
            + f'[connections.vendor]\ndriver = "volcengine_cloudidentity"\nadmin = "admin.json"\n'
            f'endpoint = "{details["endpoint"]}"\nhosts = "{details["hosts"]}"\n'
            f'[roles.{name}]\nconnection = "vendor"\nusername = "{name}"\nperiod = {period}\n'
            f'options = {{ user_id = "{self.ids[name]}" }}\n'
        )
        return path

    def hang(self) -> tuple[threading.Event, threading.Event]:
        """Make the next reset take effect and its answer wait; return the events "took effect" and "answer now"."""
        reached, release = threading.Event(), threading.Event()
        self.vendor.faults.add("ResetPassword", FaultKind.HANG, applied=True, event=release, reached=reached)
        return reached, release

    def sent(self) -> list[bytes]:
        """Return the bodies of all resets that reached the vendor."""
        return [each.body for each in self.vendor.captured if "Action=ResetPassword" in each.url]
