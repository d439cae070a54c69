"""A temporary key is sent with its session token where the vendor documents one; unknown keys are refused by name.

One product stands for all here; ``DriverConformance`` has the same promise for each.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity

OLD, TOKEN = Secret("Old-pass-1234"), Secret("Temporary+Token/31==")


def volcengine(clock: Any) -> tuple[Any, dict[str, object], dict[str, str]]:
    """Return Cloud Identity with a temporary key, an account, and the key."""
    made = VolcengineCloudIdentity(clock=clock.now)
    made.add_user("robot", OLD, user_id="u-1")
    key = replace(made.credentials, token=TOKEN)
    made.keys[key.access_key] = key
    return (
        made,
        {"driver": "volcengine_cloudidentity", "username": "robot", "user_id": "u-1"},
        {
            "access_key": key.access_key,
            "secret_key": key.secret_key.reveal(),
        },
    )


def test_a_temporary_key_rotates_with_its_token_alone(install: Any, clock: Any) -> None:
    """The vendor refuses the key without the token, and takes it with the token."""
    simulator, account, admin = volcengine(clock)
    document = {**account, "password": OLD.reveal()}
    function = install(simulator, document, admin, lambda: OLD, retries=0)
    function.environment["LOCKSTEP_MIN_EVIDENCE"] = "ACCEPTED"
    assert function.rotate().state is RotationState.FAILED
    assert function.codes() == ["admin_rejected"]
    function.cancel()
    function.put({**admin, "session_token": TOKEN.reveal()}, "lockstep/admin")
    assert function.rotate().state is RotationState.SUCCEEDED, [error.message for error in function.errors]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"token": "canary"}, "'token'"),
        ({"secret_key": "canary\n"}, "'secret_key'"),
        ({"secret_key": "\ufeffcanary"}, "'secret_key'"),
    ],
)
def test_a_key_that_is_not_known_or_has_stray_blanks_is_named(
    install: Any, clock: Any, change: dict[str, str], named: str
) -> None:
    """Nobody is asked: a token under another name would be left out, and the vendor would name the wrong fault."""
    simulator, account, admin = volcengine(clock)
    function = install(simulator, {**account, "password": OLD.reveal()}, {**admin, **change}, lambda: OLD, retries=0)
    assert function.rotate().state is RotationState.FAILED
    assert function.codes() == ["settings_error"]
    assert named in function.errors[-1].message
    assert "canary" not in repr(function.errors[-1].describe())
    assert simulator.requests == []


@pytest.mark.parametrize("change", [{"password": "Old-pass-1234\n"}, {"username": " robot"}, {"user_id": "u-1\u00a0"}])
def test_stray_blanks_in_an_account_are_named_before_a_login(install: Any, clock: Any, change: dict[str, str]) -> None:
    """A file's line end in a password would cost a wrong login; blanks in other people's keys are their own."""
    simulator, account, admin = volcengine(clock)
    document = {**account, "password": OLD.reveal(), "note": " kept \n", **change}
    function = install(simulator, document, admin, lambda: OLD, retries=0)
    assert function.rotate().state is RotationState.FAILED
    assert function.codes() == ["settings_error"]
    assert f"{next(iter(change))!r}" in function.errors[-1].message
    assert simulator.requests == []
