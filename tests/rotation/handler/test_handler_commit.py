"""A proved candidate becomes current without anything but the secret store."""

from __future__ import annotations

from typing import Any

import pytest

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
