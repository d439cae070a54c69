"""Accounts on simulated machines: the hosts that take their logins over SSH or WinRM while the machine runs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.vendor_api.reset_simulator import MachineSimulator
from rotation_testkit.sandbox.vendors import SandboxAccount

if TYPE_CHECKING:
    from rotation_testkit.doubles.hosts.winrm import WinRmHost


def login_host(
    stack: ExitStack, simulator: MachineSimulator[Any, Any], target_id: str, *, windows: bool
) -> SshHost | WinRmHost:
    """Start the host that takes a machine's logins while the machine runs."""

    def up() -> bool:
        return simulator.running(target_id)

    if not windows:
        return stack.enter_context(SshHost(simulator.guest_login(target_id), up=up))
    from rotation_testkit.doubles.hosts.winrm import WinRmHost  # needs the extra winrm, which no other account does

    return stack.enter_context(WinRmHost(simulator.guest_users(target_id), up=up))


def pin(host: SshHost | WinRmHost, *, tells_ssh_port: bool = False) -> dict[str, object]:
    """Return a document's keys by which the host is known, and its port.

    Args:
        host: the machine's host.
        tells_ssh_port: whether the vendor tells the port of SSH, so that the document need not.
    """
    if not isinstance(host, SshHost):
        return {"certificate": host.fingerprint, "winrm_port": host.port}
    return {"host_key": host.host_key, **({} if tells_ssh_port else {"ssh_port": host.port})}


def machine(
    simulator: MachineSimulator[Any, Any], target_id: str, host: SshHost | WinRmHost, document: Mapping[str, object]
) -> SandboxAccount:
    """Return a machine's account; the document lacks its user and password."""
    target = simulator.target(target_id)
    user: str = target.user
    return SandboxAccount(
        document={**document, "username": user, "password": target.guest.reveal()},
        live=lambda: simulator.guest_password(target_id),
        changes=lambda: simulator.resets(target_id),
        wrong_logins=lambda: host.rejected[user],
        host=host,
    )
