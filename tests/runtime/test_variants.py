"""Secrets Manager rotates every kind of account through the packed function under the real Lambda runtime."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from rotation.core.values import Evidence
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.processes.lambda_runtime import LambdaRuntime
from rotation_testkit.sandbox.sandbox import (
    ALL,
    BATCH,
    DRIVERS,
    FUNCTION_ARN,
    LINUX_VM,
    TENCENT,
    VOLCENGINE,
    WINDOWS_DEVICE,
    WINDOWS_VM,
    Sandbox,
    driver_of,
    open_sandbox,
)

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
MACHINES = (LINUX_VM, WINDOWS_VM, WINDOWS_DEVICE)
"""The others are rotated in ``test_events.py``, event by event."""
BLACKSTONE = (TENCENT, WINDOWS_DEVICE, BATCH)
EVIDENCE = dict.fromkeys(ALL, Evidence.LOGIN) | {VOLCENGINE: Evidence.ACCEPTED}


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
        assert [each["outcome"] for each in run.results] == ["staged", "sent", "verified", "promoted"]
        return run.results[-1]["evidence"]


@contextmanager
def rotated_accounts(artefact, holding, *, api="v3", **settings):
    """Start both; the simulated guests take a new password at once."""
    with open_sandbox(holding=holding, tencent_api=api, retry_delays=()) as started:
        waits = {f"LOCKSTEP_{code.upper()}_PROPAGATION_SECONDS": "0" for code in started.endpoints}
        with artefact.runtime(started.environment() | waits | settings) as runtime:
            yield RotatedAccounts(started, runtime)


@pytest.fixture(scope="module")
def machines(artefact):
    """Each machine's secret, rotated once; tests only read the result."""
    with rotated_accounts(artefact, MACHINES) as made:
        already = len(made.world.secrets_manager.calls)
        for key in MACHINES:
            made.rotate(key)
        made.operations = {call.operation for call in made.world.secrets_manager.calls[already:]}
        yield made


@pytest.mark.parametrize("key", MACHINES)
def test_it_rotates_to_current_is_live(machines, key):
    """Each machine rotates, and the result names the evidence."""
    assert machines.proof(key) == EVIDENCE[key].name


@pytest.mark.parametrize("key", MACHINES)
def test_what_secrets_manager_sends_is_what_the_samples_hold(machines, key):
    """Secrets Manager sends the four steps in order, for the one secret, with the sample events' keys."""
    samples = [json.loads((ROOT / "events" / driver_of(key) / f"{step}.json").read_text()) for step in STEPS]
    arn = machines.world.secrets_manager.call("DescribeSecret", SecretId=machines.world.accounts[key])["ARN"]
    sent = machines.runs[key].sent
    assert [(each["Step"], each["SecretId"]) for each in sent] == [(sample["Step"], arn) for sample in samples]
    assert [each.keys() for each in sent] == [sample.keys() for sample in samples]


def test_no_secret_value_is_logged(machines):
    """Old and new passwords, the vendors' keys and the AWS key are in no line that function or emulator wrote."""
    started = machines.world
    values = [*(run.before for run in machines.runs.values()), *(started.live(key) for key in MACHINES)]
    values += [started.secrets_manager.secret_key, started.ucloud.credentials.private_key]
    values += [started.tencent.credentials.secret_key]
    logs = machines.runtime.log_file.read_text()
    assert logs.count('"step succeeded"') == len(STEPS) * len(MACHINES)
    assert len(values) == 9
    assert [index for index, value in enumerate(values) if value.reveal() in logs] == []


def test_function_calls_what_its_role_allows_and_all_of_it(machines):
    """Every call of a rotation is among the actions that template.yaml grants, and no granted action goes unused."""
    from samcli.yamlhelper import yaml_parse  # takes long, and each worker collects this module

    role = yaml_parse((ROOT / "template.yaml").read_text())["Resources"]["RotationRole"]["Properties"]
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    granted = next(each["Action"] for each in statements if each.get("Sid") == "RotatedSecrets")
    assert {f"secretsmanager:{operation}" for operation in machines.operations} == set(granted)


@pytest.mark.long  # `make test` has the third generation, and the second in this process
@pytest.mark.parametrize(("api", "holding"), [("v2", BLACKSTONE), ("v3", ALL)])
def test_every_kind_of_account_rotates(artefact, api, holding):
    """Every account rotates through both generations of Blackstone's API."""
    with rotated_accounts(artefact, holding, api=api) as made:
        for key in holding:
            made.rotate(key)
            assert made.proof(key) == EVIDENCE[key].name


@pytest.mark.long  # `make test` has it in this process
def test_a_machine_that_was_off_is_proved_by_what_the_vendor_shows(artefact):
    """A machine stays off, so no login is possible; the deployment accepts the read-back, and the result says so."""
    with rotated_accounts(artefact, (LINUX_VM,), LOCKSTEP_MIN_EVIDENCE=Evidence.READBACK.name) as made:
        machine = made.world.ucloud.instance(str(made.world.vendor_accounts[LINUX_VM].document["uhost_id"]))
        machine.state = "Stopped"
        made.rotate(LINUX_VM)
        assert made.proof(LINUX_VM) == "READBACK"
        assert (machine.state, machine.starts) == ("Stopped", 0)


def test_every_account_of_the_world_is_rotated_under_the_runtime():
    """Every account that ``lockstep simulate`` serves is rotated here or in ``test_events.py``."""
    assert {*MACHINES, *DRIVERS, BATCH} == set(ALL)
