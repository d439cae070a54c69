"""Secrets Manager rotates every kind of account through the packed function under the real Lambda runtime."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import pytest

from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendors.tencent_bm.sandbox import ACCOUNTS as BLACKSTONE
from rotation_testkit.doubles.vendors.tencent_bm.sandbox import blackstone
from rotation_testkit.processes.lambda_runtime import LambdaRuntime
from rotation_testkit.sandbox.sandbox import (
    BATCH,
    FUNCTION_ARN,
    LINUX_VM,
    TENCENT,
    Sandbox,
    driver_of,
    every_account,
    open_sandbox,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
EVERY = every_account()
WITHOUT_EVENTS = [key for key in EVERY if not (ROOT / "events" / key.replace("/", "_")).is_dir()]
"""The others are rotated in ``test_events.py``, event by event."""


@dataclass(slots=True)
class RotatedAccounts:
    """The world, the function in it, and the one rotation of each account."""

    world: Sandbox
    runtime: LambdaRuntime
    runs: dict[str, SimpleNamespace] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)

    def rotate(self, key):
        """Have Secrets Manager rotate an account's secret, without any retry."""
        run = self.runs[key] = SimpleNamespace(before=self.world.live(key), sent=[], results=[])

        def function(sent):
            run.sent.append(sent)
            ran = self.runtime.invoke(sent)
            assert ran.error is None, ran.error
            run.results.append(ran.payload)

        self.world.secrets_manager.register_function(FUNCTION_ARN, function)
        self.world.clock.sleep(1)  # Blackstone throttles by the second, whichever of its accounts calls
        run.rotation = self.world.secrets_manager.rotate(self.world.accounts[key], function=FUNCTION_ARN)

    def proof(self, key):
        """Check that it rotated at the first attempt, with one reset and no wrong login; return the evidence."""
        run, started = self.runs[key], self.world
        rotation = run.rotation
        assert (rotation.state, rotation.attempts, rotation.failures) == (RotationState.SUCCEEDED, 1, [])
        assert started.stored(key) == started.live(key) != run.before
        assert (started.changes(key), started.wrong_logins(key)) == (3 if key == BATCH else 1, 0)
        assert [each["outcome"] for each in run.results] == ["staged", "sent", "found_proved", "promoted"]
        return run.results[-1]["evidence"]


@contextmanager
def rotated_accounts(artefact, holding, *, servers=MappingProxyType({}), **settings):
    """Start both; the simulated guests take a new password at once."""
    with open_sandbox(holding=holding, servers=servers, retry_delays=()) as started:
        waits = {f"LOCKSTEP_{code.upper()}_PROPAGATION_SECONDS": "0" for code in started.endpoints}
        with artefact.runtime(started.environment() | waits | settings) as runtime:
            yield RotatedAccounts(started, runtime)


@pytest.fixture(scope="module")
def rotated(artefact):
    """Each account's secret, rotated once; tests only read the result."""
    with rotated_accounts(artefact, WITHOUT_EVENTS) as made:
        already = len(made.world.secrets_manager.calls)
        for key in WITHOUT_EVENTS:
            made.rotate(key)
        made.operations = {call.operation for call in made.world.secrets_manager.calls[already:]}
        yield made


@pytest.mark.parametrize("key", WITHOUT_EVENTS)
def test_it_rotates_to_current_is_live(rotated, evidence, key):
    """Each account without sample events rotates, and the result names the evidence."""
    assert rotated.proof(key) == evidence(key).name


@pytest.mark.parametrize("key", WITHOUT_EVENTS)
def test_what_secrets_manager_sends_is_what_the_samples_hold(rotated, key):
    """Secrets Manager sends the four steps in order, for the one secret, with the sample events' keys."""
    samples = [json.loads((ROOT / "events" / driver_of(key) / f"{step}.json").read_text()) for step in STEPS]
    arn = rotated.world.secrets_manager.call("DescribeSecret", SecretId=rotated.world.accounts[key])["ARN"]
    sent = rotated.runs[key].sent
    assert [(each["Step"], each["SecretId"]) for each in sent] == [(sample["Step"], arn) for sample in samples]
    assert [each.keys() for each in sent] == [sample.keys() for sample in samples]


def test_no_secret_value_is_logged(rotated):
    """Old and new passwords, the vendors' keys and the AWS key are in no line that function or emulator wrote."""
    started = rotated.world
    values = [*(run.before for run in rotated.runs.values()), *(started.live(key) for key in WITHOUT_EVENTS)]
    values += [started.secrets_manager.secret_key, *(Secret(each) for each in started.admin_values())]
    logs = rotated.runtime.log_file.read_text()
    assert logs.count('"step succeeded"') == len(STEPS) * len(WITHOUT_EVENTS)
    assert len(values) > 2 * len(WITHOUT_EVENTS) + len(started.vendors)
    assert [index for index, value in enumerate(values) if value.reveal() in logs] == []


def test_function_calls_what_its_role_allows_and_all_of_it(rotated):
    """Every call of a rotation is among the actions that template.yaml grants, and no granted action goes unused."""
    from samcli.yamlhelper import yaml_parse  # takes long, and each worker collects this module

    role = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["RotationRole"]["Properties"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    granted = next(each["Action"] for each in statements if each.get("Sid") == "RotatedSecrets")
    assert {f"secretsmanager:{operation}" for operation in rotated.operations} == set(granted)


@pytest.mark.long  # `make test` has the third generation, and the second in this process
@pytest.mark.parametrize(("api", "holding"), [("v2", BLACKSTONE), ("v3", EVERY)])
def test_every_kind_of_account_rotates(artefact, evidence, api, holding):
    """Every account rotates; Blackstone's through both generations of its API."""
    with rotated_accounts(artefact, holding, servers={TENCENT: blackstone(api)}) as made:
        for key in holding:
            made.rotate(key)
            assert made.proof(key) == evidence(key).name


@pytest.mark.long  # `make test` has it in this process
def test_a_machine_that_was_off_is_proved_by_what_the_vendor_shows(artefact):
    """A machine stays off, so no login is possible; the deployment accepts the read-back, and the result says so."""
    with rotated_accounts(artefact, (LINUX_VM,), LOCKSTEP_MIN_EVIDENCE=Evidence.READBACK.name) as made:
        machine = made.world.ucloud.instance(str(made.world.vendor_accounts[LINUX_VM].document["uhost_id"]))
        machine.state = "Stopped"
        made.rotate(LINUX_VM)
        assert made.proof(LINUX_VM) == "READBACK"
        assert (machine.state, machine.starts) == ("Stopped", 0)
