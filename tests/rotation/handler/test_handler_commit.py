"""A proved candidate becomes current without anything but the secret store."""

from __future__ import annotations

from typing import Any

import pytest

from rotation import handler
from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError
from rotation_testkit.doubles.families.ucloud.simulator import new_key
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN

UCLOUD = "ucloud_compshare"


@pytest.mark.parametrize("step", ["testSecret", "finishSecret"])
def test_an_admin_secret_that_is_deleted_after_the_proof_does_not_leave_current_dead(rig: Any, step: str) -> None:
    """Nothing is asked at the vendor any more, so that its key is not read."""
    store, gone = rig.world.secrets_manager, []

    def serve(event: dict[str, Any]) -> None:
        if event["Step"] == step and not gone:
            gone.append(len(rig.vendor_calls()))
            store.faults.fail("GetSecretValue", "ResourceNotFoundException", times=999, secret=rig.world.admin_secret)
        rig.serve(event)

    store.register_function(FUNCTION_ARN, serve)
    rig.rotate(UCLOUD)

    assert gone == [len(rig.vendor_calls())]
    assert rig.errors == []
    assert rig.document(UCLOUD)["password"] == rig.world.live(UCLOUD).reveal()
    assert rig.reports[-1]["outcome"] == "promoted"


@pytest.mark.parametrize("first", ["rotation", "check"])
def test_a_key_that_was_replaced_while_a_runtime_keeps_it_fails_no_invocation(rig: Any, first: str) -> None:
    """Nobody is called for it, since the new key is there; one that is wrong in the store fails as ever."""
    kept: dict[str, SecretDocument] = {}
    world, ended = rig.world, []

    def serve(event: dict[str, Any]) -> None:
        warm = handler.World(connect=lambda: rig.client, environment=rig.environment, clock=world.clock, admins=kept)
        try:
            answer = handler.handle(event, rig.context, warm)
        except RotationError as error:
            ended.append(error.code)
            raise
        ended.append(answer.get("outcome") or answer.get("ended"))

    world.secrets_manager.register_function(FUNCTION_ARN, serve)
    rig.rotate(UCLOUD)
    clean, key = list(ended), new_key()
    world.ucloud.keys = {key.public_key: key}
    rig.put(world.admin_secret, {"public_key": key.public_key, "private_key": key.private_key.reveal()})
    ended.clear()
    world.clock.sleep(86_400)
    if first == "check":
        serve({"Verify": world.accounts[UCLOUD]})
        assert ended.pop() == "verified"
    rig.rotate(UCLOUD)
    assert ended == clean
    assert rig.document(UCLOUD)["password"] == world.live(UCLOUD).reveal()
    world.ucloud.keys = {}
    ended.clear()
    world.clock.sleep(86_400)
    rig.rotate(UCLOUD)
    assert set(ended) == {"admin_rejected"}
