"""A Windows machine of CompShare through the handler, proved by WinRM."""

import sys

import pytest

from rotation.core.secret import Secret
from rotation.core.values import PowerWish
from rotation_testkit.doubles.hosts.winrm import WinRmHost
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import SshAddress


@pytest.fixture
def machine(cloud):
    """A running virtual machine with Windows."""
    with WinRmHost(cloud.guest_users("uhost-1"), up=lambda: cloud.running("uhost-1")) as host:
        kind = {"instance_type": "UHost", "os_type": "Windows"}
        address = SshAddress("administrator", host.host, host.port)
        cloud.add_instance("uhost-1", password=Secret("Old-pass-1234"), ssh=address, **kind)
        yield host


@pytest.fixture
def vm(serve, machine):
    """Its rotation function."""
    return serve(username="administrator", winrm_port=machine.port, certificate=machine.fingerprint)


def test_a_windows_machine_rotates(vm, cloud, machine):
    """The machine is stopped, reset and started once, and one login proves the new password."""
    assert (vm.rotate().state, vm.codes()) == (RotationState.SUCCEEDED, [])
    assert vm.settled()
    assert vm.reports[-1]["evidence"] == "LOGIN"
    instance = cloud.instance("uhost-1")
    assert (instance.state, instance.stops, instance.starts, instance.resets) == ("Running", 1, 1, 1)
    assert (machine.accepted.total(), machine.rejected.total()) == (1, 0)


def test_another_certificate_is_no_proof(vm, machine):
    """The error has its own code, no password is sent, and the old one stays current until the pin is renewed."""
    machine.change_certificate()
    assert vm.rotate_once().state is RotationState.FAILED
    assert {error.vendor_code for error in vm.errors} == {"certificate_changed"}
    assert vm.password == vm.first
    assert machine.schemes == []
    vm.cancel()
    vm.put({**vm.document(), "certificate": machine.fingerprint})
    assert vm.rotate().state is RotationState.SUCCEEDED
    assert vm.settled()


def test_without_the_package_nothing_is_touched(vm, cloud, monkeypatch):
    """A function that was packed without WinRM says so before the machine is stopped."""
    monkeypatch.setitem(sys.modules, "pypsrp", None)
    assert vm.rotate_once().state is RotationState.FAILED
    assert set(vm.codes()) == {"missing_extra"}
    assert "WINRM=1" in vm.errors[0].hint
    assert (cloud.instance("uhost-1").stops, cloud.attempts("uhost-1")) == (0, 0)


@pytest.mark.parametrize("wish", [PowerWish.AS_FOUND, PowerWish.RUNNING])
def test_a_machine_that_was_off(vm, cloud, wish):
    """A machine that stays off cannot be proved and is left alone; one that may run is started."""
    cloud.instance("uhost-1").state = "Stopped"
    vm.put({**vm.document(), "power": wish.value})
    rotation = vm.rotate_once()
    if wish is PowerWish.RUNNING:
        assert rotation.state is RotationState.SUCCEEDED
        assert (vm.reports[-1]["evidence"], cloud.instance("uhost-1").state) == ("LOGIN", "Running")
        return
    assert set(vm.codes()) == {"config_error"}
    assert (cloud.attempts("uhost-1"), cloud.instance("uhost-1").state) == (0, "Stopped")
