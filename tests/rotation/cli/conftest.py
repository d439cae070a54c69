"""``lockstep`` in the test's own process, an operator who puts another password into the store, and a fleet."""

import uuid

import pytest

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.doubles.secretsmanager.state import Schedule, SecretRecord, StoredValue, Version
from rotation_testkit.processes.command_line import botocore_files, embedded, lockstep
from rotation_testkit.sandbox.clock import ShiftedClock

__all__ = ["botocore_files", "embedded", "lockstep"]


@pytest.fixture
def put_by_hand(embedded):
    """Return a function that puts a version with another password, as an operator would."""

    def put(name, password):
        text = embedded.secrets_manager.value(name).reveal()
        other = SecretDocument.parse(text).replaced(password=password).dump().reveal()
        embedded.secrets_manager.call("PutSecretValue", SecretId=name, SecretString=other)

    return put


DAY = 86_400.0
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"


class Fleet:
    """A double with many secrets, which are put straight into its state."""

    def __init__(self):
        self.clock = ShiftedClock()
        self.double = SecretsManager(clock=self.clock.now, sleep=self.clock.sleep)

    def add(self, name, labels=(), *, pending=None, age=10 * DAY, due=20 * DAY, **entry):
        """Add a secret with labels on its current version, and on a version of an unfinished rotation."""
        state, now = self.double._state, self.clock.now()
        current, waiting = str(uuid.uuid4()), str(uuid.uuid4())
        held = {"AWSCURRENT": current} | {label.replace("@ID", f"@{current[-8:]}"): current for label in labels}
        if pending is not None:
            held |= {"AWSPENDING": waiting} | {label.replace("@ID", f"@{waiting[-8:]}"): waiting for label in pending}
        secret = SecretRecord(arn=state.arn_for(name), name=name, created=now - age, changed=now, labels=held)
        secret.tags = entry.get("tags", {})
        secret.versions = {each: Version(each, now) for each in set(held.values())}
        secret.versions[current].value = StoredValue(Secret("old"), binary=False)
        secret.schedule = Schedule(FUNCTION, {}, last=now - age, next=now + due) if due is not None else None
        state.add(secret)
        return secret


@pytest.fixture
def fleet(monkeypatch):
    """An empty fleet, served."""
    made = Fleet()
    with made.double.serve():
        for name, value in made.double.environment().items():
            monkeypatch.setenv(name, value)
        yield made
