"""``events/*.json`` through the packed function under the real Lambda runtime, with boto3's calls over the wire."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from rotation.core.document import SecretDocument
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.lambda_runtime import LambdaRuntime
from rotation_testkit.sandbox.enrolled import tagged
from rotation_testkit.sandbox.sandbox import (
    BATCH,
    DRIVERS,
    FUNCTION_ARN,
    HUAWEI,
    UCLOUD,
    Sandbox,
    every_account,
    open_sandbox,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
SAMPLES = {key: EVENTS / key.replace("/", "_") for key in every_account()}
SAMPLES = {key: folder for key, folder in SAMPLES.items() if folder.is_dir()}
"""The folders of four events, by the accounts whose keys they are named after."""
NAME = re.compile(r":secret:(.+)-[A-Za-z0-9]{6}$")
NAMES = {
    key: NAME.search(json.loads((folder / "createSecret.json").read_text())["SecretId"])[1]
    for key, folder in SAMPLES.items()
}
"""The secrets that the events name."""
FOREIGN_ARN = FUNCTION_ARN.replace("111122223333", "444455556666")
AT_ONCE = {f"LOCKSTEP_{code.upper()}_PROPAGATION_SECONDS": "0" for code in DRIVERS}
"""The simulated guests take a new password at once."""
Event = dict[str, Any]


@dataclass(slots=True)
class Scene:
    """The world, the function in it, and every event that Secrets Manager sent."""

    world: Sandbox
    runtime: LambdaRuntime
    sent: list[Event] = field(default_factory=list)

    def with_fresh_secrets(self):
        """Return each driver's account with a secret that nobody has rotated yet."""
        store, suffix = self.world.secrets_manager, uuid.uuid4().hex[:8]
        accounts = {code: f"{self.world.accounts[code]}-{suffix}" for code in DRIVERS}
        for code, name in accounts.items():
            document = SecretDocument(dict(self.world.vendor_accounts[code].document))
            store.create(name, document.replaced(password=self.world.live(code).reveal()).dump(), tagged(document))
        return Scene(replace(self.world, accounts=accounts), self.runtime)

    def event(self, name):
        """Return a sample event, for the secret that has the sample's name here."""
        event = json.loads((EVENTS / name).read_text())
        code = next(code for code, secret in NAMES.items() if f":secret:{secret}-" in event["SecretId"])
        here = self.world.secrets_manager.call("DescribeSecret", SecretId=self.world.accounts[code])
        return event | {"SecretId": here["ARN"]}

    def begin(self, event, *, function=FUNCTION_ARN):
        """Have Secrets Manager begin a rotation whose first invocation gets lost, and return what it had sent."""

        def lost(sent):
            self.sent.append(sent)
            raise TimeoutError

        self.world.secrets_manager.register_function(function, lost)
        self.world.secrets_manager.rotate(event["SecretId"], function=function, token=event["ClientRequestToken"])
        return self.sent[-1]

    def invoke(self, event):
        """Send an event, a second after the one before: a vendor throttles by the second."""
        self.world.clock.sleep(1)
        return self.runtime.invoke(event)

    def serve(self, sent):
        """Be the rotation function, as Secrets Manager sees it."""
        self.sent.append(sent)
        if (error := self.runtime.invoke(sent).error) is not None:
            raise RuntimeError(error["errorType"])

    def state(self, code):
        """Return all that a repetition could change: labels, values, and what happened at the vendor.

        A repeated setSecret takes the lease again: its running number and the nonce of a batch's labels are left out.
        """
        store, name = self.world.secrets_manager, self.world.accounts[code]
        labels = {
            version: frozenset(re.sub(r"^(lockstep:lease:)\d+|;~[0-9a-f]+", r"\1", label) for label in held)
            for version, held in store.labels(name).items()
        }
        values = {version: store.value(name, version=version) for version in labels}
        return labels, values, self.world.changes(code), self.world.wrong_logins(code)

    def heard(self):
        """Return how many calls reached Secrets Manager and each vendor."""
        vendors = [vendor.simulator for vendor in self.world.vendors.values()]
        return [len(self.world.secrets_manager.calls), *(len(vendor.requests) for vendor in vendors)]


@pytest.fixture(scope="module")
def stage(artefact):
    """One world in which each account is rotated at most once."""
    with (
        open_sandbox(holding=SAMPLES, names=NAMES, retry_delays=()) as started,
        artefact.runtime(started.environment() | AT_ONCE) as runtime,
    ):
        yield Scene(started, runtime)


@pytest.fixture
def scene(stage):
    """Fresh secrets with the passwords of now, of which no test changes any."""
    return stage.with_fresh_secrets()


def _lines(result):
    return [json.loads(line) for line in result.logs.splitlines() if line.startswith("{")]


def test_every_product_has_its_four_events():
    """Each product has a folder of sample events, named after its code."""
    assert {code for code in DRIVERS if code not in SAMPLES} == set()
    assert {key for key, folder in SAMPLES.items() if {each.stem for each in folder.iterdir()} != set(STEPS)} == set()


@pytest.mark.parametrize("code", SAMPLES)
def test_four_events_rotate_and_repeating_any_changes_nothing(stage, evidence, code):
    """The four events end in a new live password; each step, and then all four, can be repeated without any effect.

    Secrets Manager itself begins with the first of them, and no line of function or emulator has a secret in it.
    """
    events, resets = code.replace("/", "_"), 3 if code == BATCH else 1
    before = stage.world.live(code)
    sample = stage.event(f"{events}/createSecret.json")
    assert stage.begin(sample) == sample
    outcomes = []
    for step in STEPS:
        event = stage.event(f"{events}/{step}.json")
        first = stage.invoke(event)
        assert first.error is None
        outcomes.append(first.payload["outcome"])
        after = stage.state(code)
        assert stage.invoke(event).error is None
        assert stage.state(code) == after
    for step in STEPS:
        assert stage.invoke(stage.event(f"{events}/{step}.json")).error is None
    assert stage.state(code) == after
    assert outcomes[0] == "staged"
    assert outcomes[2:] == ["found_proved", "promoted"]
    assert stage.world.stored(code) == stage.world.live(code) != before
    assert stage.world.stored(code, "AWSPREVIOUS") == before
    assert (stage.world.changes(code), stage.world.wrong_logins(code)) == (resets, 0)
    assert first.payload["evidence"] == evidence(code).name
    values = [*passwords(code, before), *passwords(code, stage.world.live(code)), *stage.world.admin_values()]
    values += [stage.world.secrets_manager.secret_key.reveal()]
    logs = stage.runtime.log_file.read_text()
    assert len(values) >= 1 + 2 * resets + len(stage.world.admin_secrets)
    assert [index for index, value in enumerate(values) if value in logs] == []


def passwords(code, live):
    """Return an account's password, or those of a batch's devices."""
    return json.loads(live.reveal()) if code == BATCH else [live.reveal()]


def test_each_step_writes_one_line_and_its_metric_records(scene):
    """The line names secret, token, step, driver, outcome and duration; one record has driver and step."""
    event = scene.event("ucloud_compshare/createSecret.json")
    scene.begin(event)
    line, raised, metric = _lines(scene.runtime.invoke(event))
    expected = {"secret_id": event["SecretId"], "token": event["ClientRequestToken"], "step": "createSecret"}
    assert line.items() >= (expected | {"driver": UCLOUD, "outcome": "staged"}).items()
    assert line["duration_ms"] >= 0
    assert line["vendor_request_id"]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Lockstep"
    assert (metric["driver"], metric["step"], metric["StepFailed"]) == (UCLOUD, "createSecret", [0.0])
    assert raised["StepRaised"] == [0.0]


def test_cross_account_event_passes_its_rotation_token_on(scene):
    """With the token that Secrets Manager gave, the candidate is staged; the token is in no log line."""
    sample = scene.event("cross_account.json")
    sent = scene.begin(sample, function=FOREIGN_ARN)
    assert sent.keys() == sample.keys()
    result = scene.runtime.invoke(sample | {"RotationToken": sent["RotationToken"]})
    assert result.error is None
    assert result.payload["outcome"] == "staged"
    assert sent["RotationToken"] not in scene.runtime.log_file.read_text()


@pytest.mark.parametrize("wrong", ["another", "none"])
def test_cross_account_event_with_a_wrong_rotation_token_is_refused(scene, wrong):
    """A RotationToken that Secrets Manager did not give, or none, cannot stage anything; nor is it logged."""
    sample = scene.event("cross_account.json")
    scene.begin(sample, function=FOREIGN_ARN)
    token = sample["RotationToken"]
    result = scene.runtime.invoke(sample if wrong == "another" else sample | {"RotationToken": None})
    assert result.error["errorType"] == "StoreDenied"
    assert scene.world.stored(HUAWEI, "AWSPENDING") is None
    assert token not in scene.runtime.log_file.read_text() + json.dumps(result.error)


def test_test_only_event_never_resets(scene):
    """RotateImmediately=false sends just the sample's testSecret: the login is checked and nothing is changed."""
    sample = scene.event("test_only.json")
    before, changes = scene.world.live(HUAWEI), scene.world.changes(HUAWEI)
    scene.world.secrets_manager.register_function(FUNCTION_ARN, scene.serve)
    rotation = scene.world.secrets_manager.rotate(
        sample["SecretId"], function=FUNCTION_ARN, token=sample["ClientRequestToken"], immediately=False
    )
    assert scene.sent == [sample]
    assert rotation.state is RotationState.SUCCEEDED
    assert scene.world.changes(HUAWEI) == changes
    assert scene.world.stored(HUAWEI) == scene.world.live(HUAWEI) == before


def test_snake_case_step_is_the_same_step(scene):
    """The user guide's spelling of a step does what the real spelling does."""
    event = scene.event("snake_case.json")
    scene.begin(event)
    result = scene.runtime.invoke(event)
    assert result.error is None
    assert (result.payload["step"], result.payload["outcome"]) == ("createSecret", "staged")


@pytest.mark.parametrize("path", sorted((EVENTS / "malformed").glob("*.json")), ids=lambda path: path.stem)
def test_malformed_event_is_a_typed_error_and_calls_nobody(stage, path):
    """A malformed event fails with a code and a hint; neither Secrets Manager nor a vendor hears of it."""
    before = stage.heard()
    result = stage.runtime.invoke(json.loads(path.read_text()))
    assert result.error["errorType"] == "EventError"
    line = next(each for each in _lines(result) if each["message"] == "step failed")
    assert line["error"]["code"] == "event_error"
    assert line["error"]["hint"]
    assert stage.heard() == before


def test_rotation_that_is_not_enabled_is_refused(scene):
    """An event for a secret without rotation, and one for no secret at all, are typed errors without a vendor call."""
    event = scene.event("huawei_meeting/createSecret.json")
    _, *vendors = scene.heard()
    refused = scene.runtime.invoke(event)
    unknown = scene.runtime.invoke(event | {"SecretId": event["SecretId"].replace("alice", "mallory")})
    assert refused.error["errorType"] == "RotationNotEnabled"
    assert unknown.error["errorType"] == "SecretNotFound"
    assert scene.heard()[1:] == vendors
