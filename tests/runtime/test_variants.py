"""Every kind of account rotates through the packed function under the real Lambda runtime, to the proof that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest

from rotation.model import Evidence
from rotation.testing.lambda_runtime import LambdaRuntime
from rotation.testing.secretsmanager import RotationState
from rotation.testing.world import (
    ALL,
    BATCH,
    FUNCTION_ARN,
    HUAWEI,
    LINUX_VM,
    TENCENT,
    UCLOUD,
    VOLCENGINE,
    WINDOWS_DEVICE,
    WINDOWS_VM,
    World,
    world,
)

pytestmark = pytest.mark.slow

Event = dict[str, Any]
Place = tuple[World, LambdaRuntime]
VARIANTS = [
    (UCLOUD, "v3", Evidence.LOGIN),
    (LINUX_VM, "v3", Evidence.LOGIN),
    (WINDOWS_VM, "v3", Evidence.LOGIN),
    *((key, api, Evidence.LOGIN) for key in (TENCENT, WINDOWS_DEVICE, BATCH) for api in ("v2", "v3")),
    (VOLCENGINE, "v3", Evidence.ACCEPTED),
    (HUAWEI, "v3", Evidence.LOGIN),
]


def at_once(started: World) -> dict[str, str]:
    """The function's variables, where the simulated guests take a new password at once, as they do."""
    waits = {f"LOCKSTEP_{code.upper()}_PROPAGATION_SECONDS": "0" for code in started.endpoints}
    return started.environment() | waits


@pytest.fixture(scope="module")
def places(artefact: Any) -> Iterator[Callable[[str], Place]]:
    """For each generation of Blackstone's API, one world with its accounts and one function in it, once asked for."""
    with ExitStack() as stack:

        @cache
        def place(api: str) -> Place:
            holding = [key for key, other, _ in VARIANTS if other == api]
            started = stack.enter_context(world(holding=holding, tencent_api=api, retry_delays=()))
            return started, stack.enter_context(artefact.runtime(at_once(started)))

        yield place


def proof(started: World, runtime: LambdaRuntime, key: str) -> str:
    """Rotate an account at the first attempt, with one reset and no wrong login; gives the result's evidence."""
    results: list[Event] = []
    before = started.live(key)

    def function(sent: Event) -> None:
        ran = runtime.invoke(sent)
        assert ran.error is None, ran.error
        results.append(ran.payload)

    started.secrets_manager.register_function(FUNCTION_ARN, function)
    started.clock.sleep(1)  # Blackstone throttles by the second, whichever of its accounts calls
    rotation = started.secrets_manager.rotate(started.accounts[key], function=FUNCTION_ARN)
    assert (rotation.state, rotation.attempts, rotation.failures) == (RotationState.SUCCEEDED, 1, [])
    assert started.stored(key) == started.live(key) != before
    assert (started.changes(key), started.wrong_logins(key)) == (3 if key == BATCH else 1, 0)
    assert [each["outcome"] for each in results] == ["staged", "sent", "verified", "promoted"]
    return str(results[-1]["evidence"])


@pytest.mark.parametrize(("key", "api", "evidence"), VARIANTS, ids=lambda value: getattr(value, "name", value))
def test_it_rotates_to_current_is_live(places: Callable[[str], Place], key: str, api: str, evidence: Evidence) -> None:
    """The result names the evidence."""
    started, runtime = places(api)
    assert proof(started, runtime, key) == evidence.name


def test_a_machine_that_was_off_is_proved_by_what_the_vendor_shows(artefact: Any) -> None:
    """It stays off, so no login can be had; the deployment takes the read-back for enough, and the result says so."""
    with world(holding=(LINUX_VM,), retry_delays=()) as started:
        machine = started.ucloud.instance(str(started.tenants[LINUX_VM].document["uhost_id"]))
        machine.state = "Stopped"
        with artefact.runtime(at_once(started) | {"LOCKSTEP_MIN_EVIDENCE": Evidence.READBACK.name}) as runtime:
            assert proof(started, runtime, LINUX_VM) == "READBACK"
        assert (machine.state, machine.starts) == ("Stopped", 0)


def test_every_account_of_the_world_is_among_the_variants() -> None:
    """What ``lockstep simulate`` serves is what was proved here."""
    assert {key for key, _, _ in VARIANTS} == set(ALL)
