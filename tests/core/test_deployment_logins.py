"""Where passwords are proved that a vendor cannot prove, and whether a host's first key is trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from rotation.core.clock import SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import SettingsError
from rotation.core.values import Evidence, LoginTarget
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers import registry
from rotation.drivers.contract import DriverSpec
from rotation.drivers.network.ssh import SshProbe
from rotation.drivers.network.winrm import WinRmProbe

Spec = Callable[..., DriverSpec]
KEY, PIN = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "sha256:" + "0a" * 32
DOCUMENT = SecretDocument({"driver": "acme", "username": "root", "password": "canary"})


def read(**values: str) -> Deployment:
    """A deployment of one driver."""
    prefixed = {f"LOCKSTEP_{name}": value for name, value in values.items()}
    return Deployment.from_environment({"LOCKSTEP_DRIVERS": "acme", **prefixed})


def binder(deployment: Deployment, spec: DriverSpec, monkeypatch: pytest.MonkeyPatch) -> Binder:
    """A binder for that driver."""
    made = dataclasses.replace(spec, factory=lambda _: object())
    monkeypatch.setattr(registry, "load_driver", lambda *_: made)
    return Binder(deployment=deployment, fetch=lambda _: DOCUMENT, clock=SystemClock(), time_left=lambda: 60.0)


@pytest.mark.parametrize(
    ("url", "key", "expected"),
    [
        ("ssh://bastion.example", KEY, LoginTarget("ssh", "bastion.example", 22, "", KEY)),
        ("ssh://10.0.0.1:2222/", "", LoginTarget("ssh", "10.0.0.1", 2222, "")),
        ("ssh://[fd00::1]:23", KEY, LoginTarget("ssh", "fd00::1", 23, "", KEY)),
        ("winrm://host.example", PIN, LoginTarget("winrm", "host.example", 5986, "", PIN)),
        ("winrm://host.example:443", "", LoginTarget("winrm", "host.example", 443, "")),
    ],
)
def test_a_place_to_log_in_is_read(url: str, key: str, expected: LoginTarget) -> None:
    """With the probe's usual port, and with what proves the host where it is known."""
    assert dict(read(ACME_LOGIN=url, ACME_LOGIN_HOST_KEY=key).logins) == {"acme": expected}


@pytest.mark.parametrize(
    ("url", "key", "name"),
    [
        ("telnet://canary.example", "", "LOCKSTEP_ACME_LOGIN "),
        ("ssh://root@canary.example", "", "LOCKSTEP_ACME_LOGIN "),
        ("ssh://canary.example/path", "", "LOCKSTEP_ACME_LOGIN "),
        ("ssh://canary.example:0", "", "LOCKSTEP_ACME_LOGIN "),
        ("canary.example", "", "LOCKSTEP_ACME_LOGIN "),
        ("ssh://host.example", PIN, "LOCKSTEP_ACME_LOGIN_HOST_KEY "),
        ("winrm://host.example", KEY, "LOCKSTEP_ACME_LOGIN_HOST_KEY "),
        ("winrm://host.example", "sha256:canary", "LOCKSTEP_ACME_LOGIN_HOST_KEY "),
    ],
)
def test_a_malformed_place_is_a_fault(url: str, key: str, name: str) -> None:
    """By the variable's name, without its value."""
    with pytest.raises(SettingsError) as caught:
        read(ACME_LOGIN=url, ACME_LOGIN_HOST_KEY=key)
    (fault,) = caught.value.faults
    assert fault.startswith(name)
    assert "canary" not in fault


@pytest.mark.parametrize(("url", "kind"), [("ssh://host", SshProbe), ("winrm://host", WinRmProbe)])
def test_a_driver_without_logins_gets_one(
    make_spec: Spec, monkeypatch: pytest.MonkeyPatch, url: str, kind: type
) -> None:
    """The account's own name logs in, and LOGIN becomes the least proof, unless less is named."""
    spec = make_spec(evidence=Evidence.ACCEPTED)
    bound = binder(read(ACME_LOGIN=url), spec, monkeypatch)(DOCUMENT)
    assert bound.logins.configured is not None
    assert (bound.logins.configured.username, bound.minimum) == ("root", Evidence.LOGIN)
    assert [type(probe) for probe in bound.logins.probes.values()] == [kind]
    lower = binder(read(ACME_LOGIN=url, MIN_EVIDENCE="accepted"), spec, monkeypatch)(DOCUMENT)
    assert lower.minimum is Evidence.ACCEPTED
    none = binder(read(), spec, monkeypatch)(DOCUMENT)
    assert (none.logins.configured, dict(none.logins.probes), none.minimum) == (None, {}, Evidence.ACCEPTED)


def test_a_driver_that_proves_logins_takes_none(make_spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """One place for all machines of a vendor would ask the wrong one."""
    with pytest.raises(SettingsError, match="LOCKSTEP_ACME_LOGIN"):
        binder(read(ACME_LOGIN="ssh://host"), make_spec(evidence=Evidence.LOGIN), monkeypatch)(DOCUMENT)


def test_a_driver_may_need_several_probes(make_spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that its record names, by kind."""
    spec = make_spec(login_probes=frozenset({"ssh", "winrm"}))
    probes = binder(read(), spec, monkeypatch)(DOCUMENT).logins.probes
    assert {kind: type(probe) for kind, probe in probes.items()} == {"ssh": SshProbe, "winrm": WinRmProbe}


@pytest.mark.parametrize(
    ("text", "expected"), [("", False), ("0", False), ("false", False), ("1", True), ("true", True), ("TRUE", True)]
)
def test_the_first_key_is_trusted_on_purpose_only(
    make_spec: Spec,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    expected: bool,  # noqa: FBT001 - a parametrised case
) -> None:
    """Off by default."""
    deployment = read(SSH_TRUST_ON_FIRST_USE=text)
    assert deployment.trust_first_use is expected
    assert binder(deployment, make_spec(), monkeypatch)(DOCUMENT).logins.trust_first_use is expected


def test_a_word_that_is_no_switch_is_a_fault() -> None:
    """A slip must not open or close anything."""
    with pytest.raises(SettingsError, match="LOCKSTEP_SSH_TRUST_ON_FIRST_USE must be 1 or 0"):
        read(SSH_TRUST_ON_FIRST_USE="yes please")


@pytest.mark.parametrize(
    ("note", "expected"),
    [({"host_key": KEY}, KEY), ({"host_key": "no key"}, None), ({"host_key": 1}, None), ({}, None), ("note", None)],
)
def test_a_learnt_key_is_read_from_the_documents_own_notes(
    make_spec: Spec, monkeypatch: pytest.MonkeyPatch, note: object, expected: str | None
) -> None:
    """Whether or not learning is switched on now; anything else there is ignored."""
    document = DOCUMENT.replaced(lockstep=note)
    assert binder(read(), make_spec(), monkeypatch)(document).host_key == expected
