"""The dry run meets the host that would have to judge the password, and says what it found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from rotation.core.errors import CannotVerify, ConfigError, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Evidence, LoginTarget, Step, Verdict
from rotation.doctor.dry_run import Status, rehearse
from rotation.drivers.login_proof import LoginProof
from rotation.engine.run import run
from rotation_testkit.fault_lab.in_memory.scenario import Scenario

TARGET = LoginTarget("ssh", "host", 22, "alice", "ssh-ed25519 AAAA")


@dataclass
class Probe:
    """A login check against a host that may be out of reach, which alone can prove the scenario's passwords."""

    scenario: Scenario
    refusal: RotationError | None = None
    met: list[LoginTarget] = field(default_factory=list)

    def unready(self, target: LoginTarget) -> ConfigError | None:
        """Nothing is missing."""

    def greet(self, target: LoginTarget) -> None:
        """Meet the host."""
        self.met.append(target)
        if self.refusal is not None:
            raise self.refusal

    def login(self, target: LoginTarget, password: Secret) -> Verdict:
        """Ask the vendor's memory."""
        assert target == TARGET
        return Verdict.ACCEPTED if password == self.scenario.vendor.live else Verdict.REJECTED

    def session(self, token: str = "") -> Any:
        """As the scenario's, with this probe."""
        session = self.scenario.session(token)
        fields: dict[str, Any] = {
            "logins": LoginProof(probes={"ssh": self}, configured=TARGET),
            "minimum": Evidence.LOGIN,
        }
        return replace(session, bind=lambda document: replace(session.bind(document), **fields))


@pytest.fixture
def probe(world: Any) -> Probe:
    """The probe of an account that cannot be asked in another way."""
    return Probe(world(oracle=False))


def test_the_dry_run_tells_what_it_met(probe: Probe) -> None:
    """The check says what was found, or what stops the rotation and what to do."""
    (evidence,) = [check for check in rehearse(probe.session()) if check.name == "evidence"]
    assert (evidence.status, evidence.detail) == (
        Status.READY,
        "the new password can be proved by LOGIN: the host answers, and is the right one",
    )
    probe.refusal = CannotVerify("closed", vendor_code="port_closed", hint="Open it.")
    (evidence,) = [check for check in rehearse(probe.session()) if check.name == "evidence"]
    assert (evidence.status, evidence.detail, evidence.hint) == (Status.STOPS, "cannot_verify: closed", "Open it.")
    assert probe.scenario.vendor.resets == 0


@pytest.mark.parametrize("before", [Step.CREATE, Step.SET])
def test_a_host_out_of_reach_stops_the_rotation_before_the_reset(probe: Probe, before: Step) -> None:
    """The host is met in createSecret and before the reset; current stays live, and the token goes on later."""
    token = probe.scenario.begin()
    live = probe.scenario.vendor.live
    for step in Step:
        if step is before:
            probe.refusal = CannotVerify("closed", vendor_code="port_closed")
            with pytest.raises(CannotVerify):
                run(probe.session(token), step)
            assert (probe.scenario.vendor.resets, probe.scenario.vendor.live) == (0, live)
            probe.refusal = None
        run(probe.session(token), step)
    assert probe.met == [TARGET] * 3
    assert probe.scenario.vendor.resets == 1
    assert probe.scenario.secret.describe().current_id == token
