"""What a record can say and no built-in product says yet: a change that takes effect when the machine starts again."""

import sys
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace

import pytest

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation.core.values import Power
from rotation.deployment.deployment import Deployment
from rotation.drivers import vendors
from rotation.drivers.registry import load_driver
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.fault_lab.in_memory.driver import memory_spec
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor
from rotation_testkit.sandbox.enrolled import annotated
from vault_plugin.job.kv_rotation import JobContext, KvRotation

OLD = Secret("Old-pass-1234")
DOCUMENT = {"driver": "memory", "username": "alice", "password": OLD.reveal()}
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def machine(clock, monkeypatch, tmp_path):
    """A running machine behind the kit's driver, which stands where the products' drivers do."""
    policy = load_driver("tencent_cvm").policies["linux"]
    made = MemoryVendor(now=clock.now, initial=OLD, policy=policy, power=Power.RUNNING, applies_at_start=True)
    (tmp_path / "memory").mkdir()
    monkeypatch.setattr(vendors, "__path__", [*vendors.__path__, str(tmp_path)])
    module = ModuleType("driver")
    module.DRIVER = memory_spec(made)
    monkeypatch.setitem(sys.modules, f"{vendors.__name__}.memory.driver", module)
    return made


def in_a_function(machine, install):
    """Rotate by the function for AWS, and return the password that readers get."""
    account = install(SimpleNamespace(serve=lambda: nullcontext(NOWHERE)), DOCUMENT, None, lambda: machine.live)
    assert account.rotate().state is RotationState.SUCCEEDED, [error.message for error in account.errors]
    assert account.reports[-1]["evidence"] == "LOGIN"
    return account.password


def in_a_job(clock):
    """Rotate by the job over KV, and return the password that readers get."""
    kv, document = Kv2(now=clock.now), SecretDocument(DOCUMENT)
    kv.configure("apps/alice", custom=annotated(document))
    kv.write("apps/alice", document, cas=0)
    environment = {"LOCKSTEP_DRIVERS": "memory"}
    context = JobContext(kv=kv, deployment=Deployment.from_environment(environment), clock=clock)
    done = KvRotation(context=context, path="apps/alice", ordered=True).run(attempts=3)
    assert done.outcome == "promoted", done.error
    return kv.read("apps/alice").document.password


@pytest.mark.parametrize("face", ["function", "job"])
def test_a_change_that_takes_effect_at_a_start_is_proved_after_one(machine, install, clock, face):
    """The machine is stopped once, reset once and started once; the login comes after that, and none is wrong."""
    current = in_a_function(machine, install) if face == "function" else in_a_job(clock)
    assert current == machine.live != OLD
    assert (machine.stops, machine.resets, machine.starts, machine.wrong_logins) == (1, 1, 1, 0)
    assert machine.power is Power.RUNNING
