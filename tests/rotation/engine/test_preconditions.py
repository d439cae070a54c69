"""The dry run and the rotation ask one list: what stops one stops the other, and nothing is reset."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import (
    CannotVerify,
    ConfigError,
    PasswordRejected,
    PreconditionFailed,
    SecretDocumentError,
    StageError,
)
from rotation.core.values import Evidence, Lockout, Step
from rotation.doctor.dry_run import Check, Status, rehearse
from rotation.engine.run import run
from rotation.engine.session import Session
from rotation.stores.aws.secrets_manager import AwsSecretsManager
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.fault_lab.in_memory.fuse import Fuse
from rotation_testkit.fault_lab.in_memory.scenario import Scenario

FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"
LIMIT = 65_536
BASE, TOKEN = "b" * 32, "t" * 32


def _obstacle(subject: Scenario) -> None:
    subject.vendor.obstacles = (PreconditionFailed("frozen"),)


def _no_login(subject: Scenario) -> None:
    subject.oracle, subject.minimum = False, Evidence.LOGIN


def _locks_at_once(subject: Scenario) -> None:
    subject.vendor.lockout = Lockout(1, 900)


BREAKS = {
    "target": (_obstacle, PreconditionFailed),
    "evidence": (_no_login, ConfigError),
    "wrong_login": (_locks_at_once, CannotVerify),
}


def _stops(found: tuple[Check, ...]) -> set[str]:
    return {check.name for check in found if check.status is Status.STOPS}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("step", [Step.CREATE, Step.SET])
def test_what_stops_a_step_before_its_reset_stops_the_dry_run(world: Any, name: str, step: Step) -> None:
    """The step refuses before a reset, and the dry run names the same condition; before, it named none."""
    break_it, error = BREAKS[name]
    subject = world()
    token = subject.created() if step is Step.SET else subject.begin()
    assert _stops(rehearse(subject.session())) == set()
    break_it(subject)
    assert _stops(rehearse(subject.session())) == {name}
    with pytest.raises(error):
        subject.step(step, token)
    assert subject.vendor.resets == 0


def test_a_staged_candidate_that_no_longer_fits_stops_both(world: Any) -> None:
    """SetSecret and the dry run judge the staged candidate by the policy of today; it is released and never sent."""
    subject = world()
    token = subject.created()
    policy = subject.vendor.policy
    subject.vendor.policy = replace(policy, length=24, min_length=24, max_length=24)
    assert _stops(rehearse(subject.session())) == {"policy"}
    subject.fuse = Fuse()
    with pytest.raises(PasswordRejected):
        subject.step(Step.SET, token)
    assert ("set_password" in subject.fuse.effects, subject.vendor.resets) == (False, 0)
    with pytest.raises(StageError):
        subject.step(Step.SET, token)


def _not_today(_event: dict[str, object]) -> None:
    raise RuntimeError("a function of its own is called by the test")


@contextmanager
def _at_aws(subject: Scenario, size: int) -> Iterator[tuple[SecretsManager, Session]]:
    """Serve a secret with a value of so many bytes, and yield a rotation's session for it."""
    double = SecretsManager(retry_delays=())
    document = {"driver": "memory", "username": subject.vendor.username, "password": subject.vendor.live.reveal()}
    bare = len(SecretDocument({**document, "note": ""}).dump().reveal())
    text = SecretDocument({**document, "note": "x" * (size - bare)}).dump()
    with double.serve():
        double.call("CreateSecret", Name="app", SecretString=text.reveal(), ClientRequestToken=BASE)
        double.register_function(FUNCTION, _not_today)
        double.rotate("app", function=FUNCTION, rules={"AutomaticallyAfterDays": 30}, token=TOKEN)
        store = AwsSecretsManager(double.client(direct=True), "app")
        yield double, replace(subject.session(TOKEN), store=store)


@pytest.mark.parametrize(("room", "puts"), [(200, 1), (0, 0)])
def test_a_value_that_will_not_fit_is_found_before_anything_is_put(world: Any, room: int, puts: int) -> None:
    """The state of a machine is noted in the new value; over 65,536 bytes both refuse, and nothing is put."""
    with _at_aws(world("machine"), LIMIT - room) as (double, session):
        stops = _stops(rehearse(session))
        if puts:
            run(session, Step.CREATE)
        else:
            with pytest.raises(SecretDocumentError, match=f"at most {LIMIT}"):
                run(session, Step.CREATE)
    assert stops == (set() if puts else {"document_size"})
    assert len([call for call in double.calls if call.operation == "PutSecretValue"]) == puts
