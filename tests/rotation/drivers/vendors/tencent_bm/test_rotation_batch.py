"""Three Blackstone devices in one secret: the function, the strict Secrets Manager and either API of the vendor."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from rotation.core.errors import RotationError
from rotation.core.secret import Secret
from rotation_testkit.canary.canary import Canary
from rotation_testkit.canary.plugin import canary
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.doubles.vendors.tencent_bm.sandbox import CODE as TENCENT
from rotation_testkit.doubles.vendors.tencent_bm.sandbox import blackstone
from rotation_testkit.sandbox.sandbox import BATCH, FUNCTION_ARN, Sandbox, open_sandbox

__all__ = ["canary"]
# The accounts are separated before the driver is called, so each test needs only one generation of the API.
v2, v3 = (pytest.mark.parametrize("api", [api]) for api in ("v2", "v3"))
RESET = {"v2": "ResetDevicePasswd", "v3": "ResetDevicePassword"}
NAMES = ["cpm-demo-batch-1", "cpm-demo-batch-2", "cpm-demo-batch-3"]


@dataclass(slots=True)
class Rig:
    """The function between Secrets Manager and the vendor, and what it returned and raised."""

    invoke: Callable[..., Any]
    world: Sandbox
    client: Any
    reset: str
    seconds: float = 60.0
    reports: list[dict[str, Any]] = field(default_factory=list)
    errors: list[RotationError] = field(default_factory=list)
    canary: Canary = field(default_factory=Canary)

    def serve(self, event):
        """Be the rotation function."""
        outside = {"client": self.client, "environment": self.world.environment(), "clock": self.world.clock}
        try:
            self.reports.append(self.invoke(event, seconds=self.seconds, **outside))
        except RotationError as error:
            self.errors.append(error)
            self.canary.error(error, given=(event,))
            raise
        finally:
            self.guard()
            self.nothing_is_lost()

    def rotate(self):
        """Rotate as the service does, with its retries."""
        name = self.world.accounts[BATCH]
        return self.world.secrets_manager.rotate(name, function=FUNCTION_ARN, rules={"AutomaticallyAfterDays": 1})

    def device(self, number):
        """One of the three; its fields are switches."""
        return self.world.tencent.device(NAMES[number])

    def attempts(self):
        """Reset requests that reached each device."""
        return [self.world.tencent.attempts(name) for name in NAMES]

    def stored(self, number):
        """One device's password under every label."""
        store, name = self.world.secrets_manager, self.world.accounts[BATCH]
        values = [store.value(name, version=version) for version, labels in store.labels(name).items() if labels]
        return [Secret(json.loads(value.reveal())["devices"][number]["password"]) for value in values if value]

    def nothing_is_lost(self):
        """Each device's live password stands under a label after every invocation."""
        lost = [name for number, name in enumerate(NAMES) if self.device(number).guest not in self.stored(number)]
        assert lost == []

    def guard(self):
        """Name every secret that there is now to the canary."""
        for number in range(3):
            for place, password in enumerate(self.stored(number)):
                self.canary.guard(f"{number}.{place} of {len(self.canary.guarded)}", password)
        self.canary.guard("vendor key", self.world.tencent.credentials.secret_key)

    def settled(self):
        """Current is live for every device."""
        return self.world.stored(BATCH) == self.world.live(BATCH)


@contextmanager
def rigged(invoke, api, retries):
    """A world with a batch in it."""
    with open_sandbox(holding=(BATCH,), servers={TENCENT: blackstone(api)}, retry_delays=(150.0,) * retries) as made:
        made.tencent.v3.per_action.most = None  # ten in a second of a clock that hardly moves
        made.tencent.service.delays.reset = 4
        rig = Rig(invoke, made, made.secrets_manager.client(direct=True), RESET[api])
        made.secrets_manager.register_function(FUNCTION_ARN, rig.serve)
        yield rig


@pytest.fixture
def rig(invoke, api, canary):
    """The batch over one of the APIs; the canary listens."""
    with rigged(invoke, api, 5) as made:
        made.canary = canary
        made.guard()
        yield made
        made.guard()
        canary.requests(made.world.tencent.captured, _demanded)


def _demanded(one):
    """Return where the vendor wants a password: in the body of a reset."""
    action = {name.lower(): value for name, value in one.headers}.get("x-tc-action", "")
    reset = action == RESET["v3"] or f"Action={RESET['v2']}".encode() in one.body
    return frozenset({"body"}) if reset else frozenset()


@v3
def test_a_batch_rotates(rig):
    """Each device gets one reset, no wrong login, a password of its own and its own evidence, in one run."""
    rig.world.tencent.service.delays.reset = 12
    before = rig.world.live(BATCH)
    started = rig.world.clock.now()
    assert rig.rotate().state is RotationState.SUCCEEDED
    assert rig.settled()
    assert rig.world.live(BATCH) != before
    assert len(set(json.loads(rig.world.live(BATCH).reveal()))) == 3
    assert (rig.attempts(), rig.world.wrong_logins(BATCH)) == ([1, 1, 1], 0)
    assert rig.world.clock.now() - started < 60
    assert [report["outcome"] for report in rig.reports] == ["staged", "sent", "found_proved", "promoted"]
    assert [report.get("evidence") for report in rig.reports] == [None, "LOGIN", "LOGIN", "LOGIN"]
    for report in rig.reports[2:]:
        assert [(each["name"], each["evidence"]) for each in report["members"]] == [(name, "LOGIN") for name in NAMES]


@v3
def test_one_devices_task_fails(rig):
    """The other devices are done and left alone from then on; the failed one gets the same candidate again."""
    rig.device(1).reset_fails = True
    before = rig.world.stored(BATCH)

    def mend(event):
        if rig.errors:
            rig.device(1).reset_fails = False
            rig.world.clock.sleep(600)
        rig.serve(event)

    rig.world.secrets_manager.register_function(FUNCTION_ARN, mend)
    rotation = rig.rotate()
    assert rotation.state is RotationState.SUCCEEDED, rotation.failures
    (failure,) = rig.errors
    members = failure.describe()["members"]
    assert [each["name"] for each in members] == NAMES
    assert [each["outcome"] for each in members] == ["current", "in_progress", "current"]
    assert failure.message.startswith(f"1 of 3 accounts failed: {NAMES[1]}: ")
    assert failure.code == "in_progress"
    assert rig.settled()
    assert passwords(rig, "AWSPREVIOUS")[1] == json.loads(before.reveal())[1]
    assert rig.attempts()[::2] == [1, 1]
    assert rig.attempts()[1] <= 3
    assert rig.world.wrong_logins(BATCH) <= 1


def passwords(rig, stage="AWSCURRENT"):
    """Return the devices' passwords under a stage."""
    return json.loads(rig.world.stored(BATCH, stage).reveal())


@v2
def test_a_device_that_stays_broken_leaves_no_other_ones_password_dead(rig):
    """After the first rotation fails for good, two passwords are current; a month later only the third is reset."""
    rig.device(1).reset_fails = True
    before = passwords(rig)
    assert rig.rotate().state is RotationState.FAILED
    assert passwords(rig)[1] == before[1]
    assert rig.settled()
    assert rig.attempts()[::2] == [1, 1]
    says = rig.errors[-1]
    assert [each["outcome"] for each in says.describe()["members"]] == ["current", "parked", "current"]
    assert "; the new passwords of 2 others are proved and current" in says.message
    rig.device(1).reset_fails = False
    rig.world.clock.sleep(30 * 86_400)
    rotation = rig.world.secrets_manager.tick()
    assert [each.state for each in rotation] == [RotationState.SUCCEEDED]
    assert rig.settled()
    assert passwords(rig)[1] != before[1]
    assert rig.attempts()[::2] == [1, 1]


@pytest.mark.parametrize(("api", "kind"), [("v2", FaultKind.DROP_AFTER), ("v3", FaultKind.DROP_BEFORE)])
def test_a_lost_answer_about_one_device(rig, kind):
    """A login shows whether the lost reset was applied; the other devices are not affected."""
    rig.world.tencent.faults.add(rig.reset, kind)
    assert rig.rotate().state is RotationState.SUCCEEDED
    (failure,) = rig.errors
    assert failure.code == "outcome_unknown"
    assert rig.settled()
    assert [rig.world.tencent.resets(name) for name in NAMES] == [1, 1, 1]
    assert rig.world.wrong_logins(BATCH) == (kind is FaultKind.DROP_BEFORE)


@v2
def test_a_half_done_batch_is_resumed_from_its_task_ids(rig):
    """If the function ends before the tasks, later invocations poll the same tasks and send nothing."""
    rig.world.tencent.service.delays.reset = 170
    rig.seconds = 30.0
    assert rig.rotate().state is RotationState.SUCCEEDED
    assert {error.code for error in rig.errors} == {"in_progress"}
    labels = rig.world.secrets_manager.labels(rig.world.accounts[BATCH])
    assert not [label for held in labels.values() for label in held if ":member:" in label]
    assert rig.settled()
    assert (rig.attempts(), rig.world.wrong_logins(BATCH)) == ([1, 1, 1], 0)


def test_a_device_that_is_off_keeps_its_password_and_no_other_one_waits_for_it(invoke):
    """Nothing is sent to it, the others are reset in the same run, and the failure names it."""
    with rigged(invoke, "v3", 0) as rig:
        rig.device(2).power = 3
        assert rig.rotate().state is RotationState.FAILED
        (failure,) = rig.errors
        assert (failure.code, rig.attempts()) == ("precondition_failed", [1, 1, 0])
        assert NAMES[2] in failure.message
        assert failure.hint


def batch_of(rig, size):
    """Make the current version by hand: so many devices, which only the vendor's word proves."""
    park, devices = rig.world.tencent, []
    for number in range(size):
        name, first = f"cpm-many-{number}", f"First-pass-{number:03d}"
        device = park.service.devices.get(name) or park.add_device(name, password=Secret(first))
        devices.append({"instance_id": name, "password": device.guest.reveal()})
    shared = {"driver": "tencent_bm", "username": "root", "region": "ap-beijing"}
    text = json.dumps({**shared, "devices": devices})
    rig.world.secrets_manager.call("PutSecretValue", SecretId=rig.world.accounts[BATCH], SecretString=text)
    rig.world.enroll(BATCH)
    return [device["instance_id"] for device in devices]


@pytest.fixture
def unproved(invoke, monkeypatch):
    """The batch's secret in a deployment that takes the vendor's word."""
    monkeypatch.setattr(Rig, "nothing_is_lost", lambda _: None)  # its three devices are not in the secret any more
    environment = Sandbox.environment
    monkeypatch.setattr(Sandbox, "environment", lambda made: environment(made) | {"LOCKSTEP_MIN_EVIDENCE": "ACCEPTED"})
    with rigged(invoke, "v3", 0) as made:
        yield made


def test_the_largest_batch_fits_the_stores_twenty_labels(unproved):
    """Six devices fit even after a rotation that was cancelled halfway; the store refuses the 21st label."""
    rig = unproved
    names = batch_of(rig, 6)
    rig.world.tencent.service.delays.reset = 100
    rig.seconds = 30.0
    assert rig.rotate().state is RotationState.FAILED
    rig.world.secrets_manager.call("CancelRotateSecret", SecretId=rig.world.accounts[BATCH])
    rig.world.clock.sleep(600)
    rig.seconds, rig.world.tencent.service.delays.reset = 60.0, 4
    batch_of(rig, 6)
    rotation = rig.rotate()
    assert rotation.state is RotationState.SUCCEEDED, rotation.failures
    stored = rig.world.stored(BATCH)
    assert json.loads(stored.reveal()) == [rig.world.tencent.guest_password(name).reveal() for name in names]


def test_a_batch_that_does_not_fit_is_refused_before_the_vendor_is_asked(unproved):
    """The error names the batch's size, and its hint says what to do."""
    batch_of(unproved, 7)
    assert unproved.rotate().state is RotationState.FAILED
    (failure,) = unproved.errors
    assert failure.code == "config_error"
    assert "batch of 7" in failure.message
    assert failure.hint
    assert unproved.world.tencent.requests == []
