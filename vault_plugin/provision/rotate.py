"""Rotate a role on demand through the server's own scheduler, which survives a kill at any moment.

``rotate-role`` must not be used: OpenBao 2.7.2 writes its log inside a transaction that a failure rolls back, and takes
no lock (measured 2026-11-22: two calls at once left an unknown password in 9 of 10 cases). Instead the role's period is
shortened to the age of its password, so that the scheduler finds the role due, and then set back. Example: period
86400, password 3600 s old: the period becomes 3600, the scheduler rotates, the period becomes 86400 again.

If this process dies in between, the role rotates at the short period until the next run sets it back: never faster
than the password was old.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rotation.core.clock import Clock
from rotation.core.errors import ConfigError, InProgress, Interrupted, RotationError, SecretNotFound, StoreError
from rotation.core.process import stop
from vault_plugin.provision.declaration import DesiredState, Role
from vault_plugin.provision.install import role_path
from vault_plugin.provision.server import Server, ServerBusyError

_SHORTEST = 5
"""Seconds; the servers' own limit."""
_LOOK_SECONDS = 0.5
_TRIES = 20


@dataclass(frozen=True, slots=True)
class RotatedRole:
    """A rotation by the server's scheduler. ``at`` is the server's own note, RFC 3339."""

    role: str
    at: str


def rotate(server: Server, desired: DesiredState, role: Role, clock: Clock, *, patience: float) -> RotatedRole:
    """Make the server rotate a role now, wait at most ``patience`` seconds for it, and restore the role's period.

    Raises:
        InProgress: another rotation on demand of this role runs on this machine, or the time is over; the server tries
            again every ten seconds.
        StoreError: the server refused.
    """
    with _alone(f"{server.address} {role_path(desired, role.name)}"):
        before = _last(server, desired, role)
        deadline = clock.now() + patience
        while True:
            with _set_back_if_halted(server, desired, role, clock):
                at = _last(server, desired, role)
                if at != before or stop.requested():
                    _set_period(server, desired, role, role.period, clock)
            if at != before:
                return RotatedRole(role.name, at)
            if stop.requested():
                raise Interrupted(
                    f"stopped before the server had rotated role {role.name}; its period is {role.period} s again",
                    hint=f"`lockstep vault plugin rotate {role.name}` asks the server again.",
                )
            if clock.now() >= deadline:
                raise InProgress(
                    f"role {role.name} was not rotated within {patience:.0f} s",
                    hint="The server tries again every ten seconds; its log has the plug-in's reason. The role's "
                    "period stays shortened meanwhile: run this again, or `lockstep vault plugin install`.",
                )
            with _set_back_if_halted(server, desired, role, clock):
                _make_due(server, desired, role, before, clock)
                stop.pause(clock, _LOOK_SECONDS)


@contextmanager
def _set_back_if_halted(server: Server, desired: DesiredState, role: Role, clock: Clock) -> Iterator[None]:
    """Set the period back if the process must stop at once."""
    try:
        yield
    except stop.Halted:
        with suppress(RotationError):
            _set_period(server, desired, role, role.period, clock)
        raise


def _make_due(server: Server, desired: DesiredState, role: Role, before: str, clock: Clock) -> None:
    """Shorten the period unless it is short already."""
    age = clock.now() - _epoch(before)
    there = server.read(role_path(desired, role.name)) or {}
    if int(there.get("rotation_period", 0)) > max(age, _SHORTEST):
        _set_period(server, desired, role, max(_SHORTEST, int(age)), clock)


def _set_period(server: Server, desired: DesiredState, role: Role, seconds: int, clock: Clock) -> None:
    """Write the period; try again while the server refuses it because a rotation just ends."""
    body = {"db_name": role.connection, "username": role.username, "rotation_period": seconds}
    for _ in range(_TRIES - 1):
        with suppress(ServerBusyError):
            server.write(role_path(desired, role.name), body)
            return
        clock.sleep(_LOOK_SECONDS)
    server.write(role_path(desired, role.name), body)


def _last(server: Server, desired: DesiredState, role: Role) -> str:
    there = server.read(role_path(desired, role.name))
    if there is None:
        raise SecretNotFound(f"the server has no role {role.name}", hint="Run `lockstep vault plugin install`.")
    return str(there["last_vault_rotation"])


def _epoch(text: str) -> float:
    """Return the epoch of an RFC 3339 time; Go writes up to nine digits of a second."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise StoreError("the server's time of the last rotation cannot be read") from None


@contextmanager
def _alone(what: str) -> Iterator[None]:
    """Admit one process of this machine at a time. Two machines do no harm: each sets back the file's period."""
    name = hashlib.sha256(what.encode()).hexdigest()[:16]
    lock = os.open(_own_folder() / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InProgress("another rotation of this role on demand is running on this machine") from None
        yield
    finally:
        os.close(lock)


def _own_folder() -> Path:
    """Return a folder that only this user may enter, so that no other user can hold a lock or put a link there.

    Raises:
        ConfigError: another user has made the folder, or may enter it.
    """
    folder = Path(tempfile.gettempdir()) / f"lockstep-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigError(
            f"{folder} is not a folder of this user alone",
            hint="Another user may have made the folder. Remove it, or set TMPDIR to a folder of your own.",
        )
    return folder
