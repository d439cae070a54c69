"""A rotation function that makes the writes of a clean rotation, for a fleet at the strict Secrets Manager."""

import pytest

PROVED = "lockstep:proof:login"
FUNCTION = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"


class Function:
    """A rotation function that makes the six writes of a clean rotation, or parks."""

    def __init__(self, fleet):
        self.fleet, self.parks, self.idle = fleet, {}, False

    def __call__(self, event):
        """Run one step."""
        named, token = {"SecretId": event["SecretId"]}, event["ClientRequestToken"]
        if event["Step"] != "createSecret" or self.idle:
            return
        call = self.fleet.double.call
        call("PutSecretValue", **named, ClientRequestToken=token, SecretString="new", VersionStages=["AWSPENDING"])
        secret = self.fleet.double._state.find(event["SecretId"])
        if secret.name in self.parks:
            label = f"lockstep:parked:{self.parks[secret.name]}:1790000000@{token[-8:]}"
            call("UpdateSecretVersionStage", **named, VersionStage=label, MoveToVersionId=token)
            raise RuntimeError("parked")
        for label in ("a", "b", "a"):
            held = secret.labels.get(label)
            ends = {"MoveToVersionId": token} if held is None else {"RemoveFromVersionId": held}
            call("UpdateSecretVersionStage", **named, VersionStage=label, **ends)
        held = {"RemoveFromVersionId": secret.labels[PROVED]} if PROVED in secret.labels else {}
        call("UpdateSecretVersionStage", **named, VersionStage=PROVED, MoveToVersionId=token, **held)
        ends = {"RemoveFromVersionId": secret.labels["AWSCURRENT"], "MoveToVersionId": token}
        call("UpdateSecretVersionStage", **named, VersionStage="AWSCURRENT", **ends)


@pytest.fixture
def function(fleet, monkeypatch):
    """A working function, whose rotations have ended before the clock moves on."""
    move_on = fleet.clock.sleep

    def sleep(seconds):
        fleet.double.join(timeout=30)
        move_on(seconds)

    monkeypatch.setattr(fleet.clock, "sleep", sleep)
    made = Function(fleet)
    fleet.double.register_function(FUNCTION, made)
    fleet.double._rotator.retry_delays = ()
    return made
