"""``events/*.json`` through the packed function under the real Lambda runtime, with boto3's calls over the wire."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from rotation.secret import Secret
from rotation.testing.lambda_runtime import InvocationResult, LambdaRuntime
from rotation.testing.secretsmanager import Rotation, RotationState
from rotation.testing.world import BATCH, DRIVERS, FUNCTION_ARN, HUAWEI, TENCENT, UCLOUD, VOLCENGINE, World, world

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
NAMES = {
    HUAWEI: "lockstep/huawei_meeting/alice",
    UCLOUD: "lockstep/ucloud_compshare/trainer",
    TENCENT: "lockstep/tencent_bm/rack7",
    BATCH: "lockstep/tencent_bm/batch",
    VOLCENGINE: "lockstep/volcengine_cloudidentity/robot",
}
FOREIGN_ARN = FUNCTION_ARN.replace("111122223333", "444455556666")
AT_ONCE = {f"LOCKSTEP_{code.upper()}_PROPAGATION_SECONDS": "0" for code in DRIVERS}
"""The simulated guests take a new password at once."""
Event = dict[str, Any]


@dataclass(slots=True)
class Scene:
    """The world, the function in it, and every event that Secrets Manager sent."""

    world: World
    runtime: LambdaRuntime
    sent: list[Event] = field(default_factory=list)

    def with_fresh_secrets(self) -> Scene:
        """Return the same accounts with secrets that nobody has rotated yet, as long as no password was changed."""
        store, suffix = self.world.secrets_manager, uuid.uuid4().hex[:8]
        accounts = {code: f"{name}-{suffix}" for code, name in self.world.accounts.items()}
        for code, name in accounts.items():
            store.create(name, Secret(json.dumps(self.world.tenants[code].document)))
        return Scene(replace(self.world, accounts=accounts), self.runtime)

    def event(self, name: str) -> Event:
        """Return a sample event, for the secret that has the sample's name here."""
        event: Event = json.loads((EVENTS / name).read_text())
        code = next(code for code, secret in NAMES.items() if f":secret:{secret}-" in event["SecretId"])
        here = self.world.secrets_manager.call("DescribeSecret", SecretId=self.world.accounts[code])
        return event | {"SecretId": here["ARN"]}

    def begin(self, event: Event, *, function: str = FUNCTION_ARN) -> Event:
        """Have Secrets Manager begin a rotation whose first invocation gets lost, and return what it had sent."""

        def lost(sent: Event) -> None:
            self.sent.append(sent)
            raise TimeoutError

        self.world.secrets_manager.register_function(function, lost)
        self.world.secrets_manager.rotate(event["SecretId"], function=function, token=event["ClientRequestToken"])
        return self.sent[-1]

    def invoke(self, event: Event) -> InvocationResult:
        """Send an event, a second after the one before: a vendor throttles by the second."""
        self.world.clock.sleep(1)
        return self.runtime.invoke(event)

    def serve(self, sent: Event) -> None:
        """Be the rotation function, as Secrets Manager sees it."""
        self.sent.append(sent)
        if (error := self.runtime.invoke(sent).error) is not None:
            raise RuntimeError(error["errorType"])

    def state(self, code: str) -> tuple[object, ...]:
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

    def heard(self) -> list[int]:
        """Return how many calls reached Secrets Manager and each vendor."""
        vendors = [estate.simulator for estate in self.world.estates.values()]
        return [len(self.world.secrets_manager.calls), *(len(vendor.requests) for vendor in vendors)]


@contextmanager
def _scene(artefact: Any, holding: tuple[str, ...] = DRIVERS) -> Iterator[Scene]:
    with (
        world(holding=holding, names=NAMES, retry_delays=()) as started,
        artefact.runtime(started.environment() | AT_ONCE) as runtime,
    ):
        yield Scene(started, runtime)


@pytest.fixture(scope="module")
def turning(artefact: Any) -> Iterator[Scene]:
    """One world in which each account is rotated once."""
    with _scene(artefact, (*DRIVERS, BATCH)) as made:
        yield made


@pytest.fixture(scope="module")
def staging(artefact: Any) -> Iterator[Scene]:
    """One world in which no password is changed."""
    with _scene(artefact) as made:
        yield made


@pytest.fixture
def scene(staging: Scene) -> Scene:
    """Fresh secrets of accounts that keep their passwords."""
    return staging.with_fresh_secrets()


@dataclass(frozen=True, slots=True)
class Rotated:
    """The drivers' secrets after one rotation each by Secrets Manager."""

    scene: Scene
    before: dict[str, Secret]
    rotations: dict[str, Rotation]
    operations: set[str]


@pytest.fixture(scope="module")
def rotated(artefact: Any) -> Iterator[Rotated]:
    """Have Secrets Manager rotate each secret through the function; what came of it is only looked at."""
    with _scene(artefact) as scene:
        store = scene.world.secrets_manager
        store.register_function(FUNCTION_ARN, scene.serve)
        before = {code: scene.world.live(code) for code in DRIVERS}
        already = len(store.calls)
        rotations = {code: store.rotate(NAMES[code], function=FUNCTION_ARN) for code in DRIVERS}
        operations = {call.operation for call in store.calls[already:]}
        yield Rotated(scene, before, rotations, operations)


def _lines(result: InvocationResult) -> list[Event]:
    return [json.loads(line) for line in result.logs.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("code", [*DRIVERS, BATCH])
def test_four_events_rotate_and_repeating_any_changes_nothing(turning: Scene, code: str) -> None:
    """The four events end in a new live password; each step, and then all four, can be repeated without any effect."""
    events, resets = code.replace("/", "_"), 3 if code == BATCH else 1
    before = turning.world.live(code)
    turning.begin(turning.event(f"{events}/createSecret.json"))
    outcomes = []
    for step in STEPS:
        event = turning.event(f"{events}/{step}.json")
        first = turning.invoke(event)
        assert first.error is None
        outcomes.append(first.payload["outcome"])
        after = turning.state(code)
        assert turning.invoke(event).error is None
        assert turning.state(code) == after
    for step in STEPS:
        assert turning.invoke(turning.event(f"{events}/{step}.json")).error is None
    assert turning.state(code) == after
    assert outcomes[0] == "staged"
    assert outcomes[2:] == ["verified", "promoted"]
    assert turning.world.stored(code) == turning.world.live(code) != before
    assert turning.world.stored(code, "AWSPREVIOUS") == before
    assert (turning.world.changes(code), turning.world.wrong_logins(code)) == (resets, 0)


def test_secrets_manager_rotates_through_the_function(rotated: Rotated) -> None:
    """RotateSecret ends in success at the first attempt, and what it sends has the sample events' keys."""
    for code, rotation in rotated.rotations.items():
        assert (rotation.state, rotation.attempts, rotation.failures) == (RotationState.SUCCEEDED, 1, [])
        assert rotated.scene.world.stored(code) == rotated.scene.world.live(code) != rotated.before[code]
    samples = [rotated.scene.event(f"{code}/{step}.json") for code in rotated.rotations for step in STEPS]
    assert [(sent["Step"], sent["SecretId"]) for sent in rotated.scene.sent] == [
        (sample["Step"], sample["SecretId"]) for sample in samples
    ]
    assert all(sent.keys() == sample.keys() for sent, sample in zip(rotated.scene.sent, samples, strict=True))


def test_no_secret_value_is_logged(rotated: Rotated) -> None:
    """Old and new passwords, the vendor key and the AWS key are in no line that function or emulator wrote."""
    world = rotated.scene.world
    values = [*rotated.before.values(), *(world.live(code) for code in rotated.rotations)]
    values += [world.secrets_manager.secret_key, world.ucloud.credentials.private_key]
    values += [world.tencent.credentials.secret_key, world.volcengine.credentials.secret_key]
    logs = rotated.scene.runtime.log_file.read_text()
    assert logs.count('"step succeeded"') == 16
    assert len(values) == 12
    assert [index for index, value in enumerate(values) if value.reveal() in logs] == []


def test_function_calls_what_its_role_allows_and_all_of_it(rotated: Rotated) -> None:
    """Every call of a rotation is among the actions that template.yaml grants, and no granted action goes unused."""
    role = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["RotationRole"]["Properties"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    granted = next(each["Action"] for each in statements if each.get("Sid") == "RotatedSecrets")
    assert {f"secretsmanager:{operation}" for operation in rotated.operations} == set(granted)


def test_each_step_writes_one_line_and_one_metric_record(scene: Scene) -> None:
    """The line names secret, token, step, driver, outcome and duration; the metric record has driver and step."""
    event = scene.event("ucloud_compshare/createSecret.json")
    scene.begin(event)
    line, metric = _lines(scene.runtime.invoke(event))
    expected = {"secret_id": event["SecretId"], "token": event["ClientRequestToken"], "step": "createSecret"}
    assert line.items() >= (expected | {"driver": UCLOUD, "outcome": "staged"}).items()
    assert line["duration_ms"] >= 0
    assert line["vendor_request_id"]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Lockstep"
    assert (metric["driver"], metric["step"], metric["StepFailed"]) == (UCLOUD, "createSecret", [0.0])


def test_cross_account_event_passes_its_rotation_token_on(scene: Scene) -> None:
    """With the token that Secrets Manager gave, the candidate is staged; the token is in no log line."""
    sample = scene.event("cross_account.json")
    sent = scene.begin(sample, function=FOREIGN_ARN)
    assert sent.keys() == sample.keys()
    result = scene.runtime.invoke(sample | {"RotationToken": sent["RotationToken"]})
    assert result.error is None
    assert result.payload["outcome"] == "staged"
    assert sent["RotationToken"] not in scene.runtime.log_file.read_text()


@pytest.mark.parametrize("wrong", ["another", "none"])
def test_cross_account_event_with_a_wrong_rotation_token_is_refused(scene: Scene, wrong: str) -> None:
    """A RotationToken that Secrets Manager did not give, or none, cannot stage anything; nor is it logged."""
    sample = scene.event("cross_account.json")
    scene.begin(sample, function=FOREIGN_ARN)
    token = sample["RotationToken"]
    result = scene.runtime.invoke(sample if wrong == "another" else sample | {"RotationToken": None})
    assert result.error is not None
    assert result.error["errorType"] == "StoreDenied"
    assert scene.world.stored(HUAWEI, "AWSPENDING") is None
    assert token not in scene.runtime.log_file.read_text() + json.dumps(result.error)


def test_test_only_event_never_resets(scene: Scene) -> None:
    """RotateImmediately=false sends just the sample's testSecret: the login is checked and nothing is changed."""
    sample = scene.event("test_only.json")
    before = scene.world.live(HUAWEI)
    scene.world.secrets_manager.register_function(FUNCTION_ARN, scene.serve)
    rotation = scene.world.secrets_manager.rotate(
        sample["SecretId"], function=FUNCTION_ARN, token=sample["ClientRequestToken"], immediately=False
    )
    assert scene.sent == [sample]
    assert rotation.state is RotationState.SUCCEEDED
    assert scene.world.changes(HUAWEI) == 0
    assert scene.world.stored(HUAWEI) == scene.world.live(HUAWEI) == before


def test_snake_case_step_is_the_same_step(scene: Scene) -> None:
    """The user guide's spelling of a step does what the real spelling does."""
    event = scene.event("snake_case.json")
    scene.begin(event)
    result = scene.runtime.invoke(event)
    assert result.error is None
    assert (result.payload["step"], result.payload["outcome"]) == ("createSecret", "staged")


@pytest.mark.parametrize("path", sorted((EVENTS / "malformed").glob("*.json")), ids=lambda path: path.stem)
def test_malformed_event_is_a_typed_error_and_calls_nobody(staging: Scene, path: Path) -> None:
    """A malformed event fails with a code and a hint; neither Secrets Manager nor a vendor hears of it."""
    before = staging.heard()
    result = staging.runtime.invoke(json.loads(path.read_text()))
    assert result.error is not None
    assert result.error["errorType"] == "EventError"
    line = next(each for each in _lines(result) if each["message"] == "step failed")
    assert line["error"]["code"] == "event_error"
    assert line["error"]["hint"]
    assert staging.heard() == before


def test_rotation_that_is_not_enabled_is_refused(scene: Scene) -> None:
    """An event for a secret without rotation, and one for no secret at all, are typed errors without a vendor call."""
    event = scene.event("huawei_meeting/createSecret.json")
    _, *vendors = scene.heard()
    refused = scene.runtime.invoke(event)
    unknown = scene.runtime.invoke(event | {"SecretId": event["SecretId"].replace("alice", "mallory")})
    assert refused.error is not None
    assert refused.error["errorType"] == "RotationNotEnabled"
    assert unknown.error is not None
    assert unknown.error["errorType"] == "SecretNotFound"
    assert scene.heard()[1:] == vendors
