"""The AWS store keeps the contract of every store through botocore, and AWS's own facts over the wire."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

from rotation.core.errors import (
    InProgress,
    NotYetVisible,
    SecretDocumentError,
    SecretNotFound,
    StageConflict,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from rotation.core.secret import Secret
from rotation.state.lease import CLOCK_MARGIN
from rotation.state.store import Store
from rotation.stores.aws.secrets_manager import read_current
from rotation_testkit.conformance.store_backdoor import BASE, FIRST, NEXT, OTHER, Backdoor, acquire
from rotation_testkit.conformance.store_suite import StoreConformance

ROTATION_TOKEN = Secret("canary" * 8)
CALLS = ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"]


class TestAwsSecretsManager(StoreConformance):
    """``rotation.stores.aws.secrets_manager`` against the strict Secrets Manager."""

    @pytest.fixture(autouse=True)
    def _served(self, new_secret: Callable[[], AbstractContextManager[Any]]) -> None:
        self._new_secret = new_secret

    def make(self) -> AbstractContextManager[Backdoor]:
        """Return a new secret."""
        return self._new_secret()


ERRORS: dict[str, tuple[type[StoreError], bool]] = {
    "ResourceNotFoundException": (SecretNotFound, False),
    "InvalidParameterException": (StoreError, False),
    "InvalidRequestException": (StoreError, False),
    "ValidationException": (StoreError, False),
    "LimitExceededException": (StoreFull, False),
    "AccessDeniedException": (StoreDenied, False),
    "DecryptionFailure": (StoreDenied, False),
    "EncryptionFailure": (StoreDenied, False),
    "UnrecognizedClientException": (StoreDenied, False),
    "InvalidSignatureException": (StoreDenied, False),
    "InvalidClientTokenId": (StoreDenied, False),
    "SignatureDoesNotMatch": (StoreDenied, False),
    "ExpiredTokenException": (StoreDenied, False),
    "ExpiredToken": (StoreDenied, False),
    "ThrottlingException": (StoreUnavailable, True),
    "RequestLimitExceeded": (StoreUnavailable, True),
    "InternalServiceError": (StoreUnavailable, True),
    "ServiceUnavailable": (StoreUnavailable, True),
    "SomethingNew": (StoreUnavailable, True),
}


def _alone(error: BaseException) -> bool:
    """Say that no foreign exception hangs on an error, and no frame of ours holds a value as plain text."""
    ours = [frame.f_locals for frame, _ in traceback.walk_tb(error.__traceback__) if "/rotation/" in _file(frame)]
    assert ours
    return error.__cause__ is None and error.__context__ is None and "canary" not in repr(ours)


def _file(frame: FrameType) -> str:
    return frame.f_code.co_filename


def test_tags_with_our_prefix_are_wishes(door: Any) -> None:
    """The binding is none, nor is a tag of the secret's owners."""
    tags = {"lockstep:length": "20", "lockstep:account": "1 acme one", "length": "9", "lockstepper": "x"}
    door.double.call("TagResource", SecretId=door.name, Tags=[{"Key": key, "Value": tags[key]} for key in tags])
    state = door.store().describe()
    assert (state.wishes, state.binding) == ({"lockstep:length": "20"}, "1 acme one")


@pytest.mark.parametrize("code", ERRORS)
def test_each_error_code_has_a_meaning(door: Any, code: str) -> None:
    """Typed, with AWS's code and request id, without botocore's exception behind it."""
    door.double.faults.fail("DescribeSecret", code)
    with pytest.raises(StoreError) as caught:
        door.store().describe()
    error = caught.value
    assert (type(error), error.retryable) == ERRORS[code]
    assert error.vendor_code == code
    assert error.request_id
    assert _alone(error)


@pytest.mark.parametrize(
    "operation", ["DescribeSecret", "GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"]
)
@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException", "InternalServiceError"])
def test_no_call_lets_botocores_exception_out(door: Any, operation: str, code: str) -> None:
    """It holds request parameters, such as the candidate."""
    door.double.faults.fail(operation, code)
    with pytest.raises(StoreError) as caught:
        _use_everything(door.store(rotation_token=ROTATION_TOKEN))
    assert _alone(caught.value)
    assert "canary" not in repr(caught.value.describe())


def _use_everything(store: Store) -> None:
    store.describe()
    store.read(BASE)
    store.stage(FIRST, OTHER)
    store.promote(FIRST, current_id=BASE)


def test_a_parameter_that_botocore_refuses_is_not_quoted(door: Any) -> None:
    """Its own message shows the value."""
    with pytest.raises(StoreError, match="refused a parameter") as caught:
        door.store().stage("too-short", OTHER)
    assert _alone(caught.value)


def test_an_endpoint_that_does_not_answer_is_an_outage(door: Any) -> None:
    """The error is retryable, and shows of botocore's no more than its type."""
    door.double.faults.drop("DescribeSecret", applied=False)
    with pytest.raises(StoreUnavailable) as caught:
        door.store().describe()
    assert _alone(caught.value)


def test_missing_credentials_are_no_outage(own_door: Any) -> None:
    """Calling again would not help."""

    def no_credentials(**_: Any) -> None:
        raise NoCredentialsError

    own_door.client.meta.events.register("before-call.secretsmanager", no_credentials)
    with pytest.raises(StoreDenied) as caught:
        own_door.store().describe()
    assert _alone(caught.value)


def test_a_rotation_token_goes_along_with_the_put_alone(own_door: Any) -> None:
    """Cross-account rotations need it there; it is a credential."""
    sent: list[tuple[str, str]] = []

    def watch(model: Any, params: dict[str, Any], **_: Any) -> None:
        sent.append((model.name, json.loads(params["body"]).get("RotationToken", "")))

    own_door.client.meta.events.register("before-call.secretsmanager", watch)
    store = own_door.store(rotation_token=ROTATION_TOKEN)
    _use_everything(store)
    assert ("PutSecretValue", ROTATION_TOKEN.reveal()) in sent
    assert {token for name, token in sent if name != "PutSecretValue"} == {""}
    assert "canary" not in repr(vars(store))


def test_without_a_rotation_token_none_is_sent(own_door: Any) -> None:
    """Within one account there is none."""
    bodies: list[str] = []
    own_door.client.meta.events.register(
        "before-call.secretsmanager.PutSecretValue", lambda params, **_: bodies.append(str(params["body"]))
    )
    own_door.store().stage(FIRST, NEXT)
    assert len(bodies) == 1
    assert "RotationToken" not in bodies[0]


def test_a_value_that_shows_late_is_there_in_the_end(door: Any) -> None:
    """Secrets Manager is eventually consistent after a put, so a read may find nothing at first."""
    door.double.faults.lag(values=3)
    before = len(door.double.calls)
    door.store().stage(FIRST, NEXT)
    assert [call.operation for call in door.double.calls[before:]] == ["PutSecretValue"]
    assert [door.store().read(FIRST) for _ in range(3)] == [None] * 3
    assert door.store().read(FIRST).document.password.reveal() == "next"


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_put_whose_reply_is_lost_is_repeated_without_harm(door: Any, attempts: int) -> None:
    """By botocore itself, or by the next invocation: the token makes it the same put."""
    door.double.faults.drop("PutSecretValue", applied=True)
    store = door.store(attempts=attempts)
    if attempts == 1:
        with pytest.raises(StoreUnavailable):
            store.stage(FIRST, NEXT)
    store.stage(FIRST, NEXT)
    assert store.read(FIRST).document.password.reveal() == "next"
    assert door.clock.pauses == []


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_promotion_whose_reply_is_lost_is_found_done(door: Any, attempts: int) -> None:
    """Its repetition fails the compare-and-swap, and current is where it should be."""
    store = door.store(attempts=attempts)
    store.stage(FIRST, NEXT)
    door.double.faults.drop("UpdateSecretVersionStage", applied=True)
    if attempts == 1:
        with pytest.raises(StoreUnavailable):
            store.promote(FIRST, current_id=BASE)
    store.promote(FIRST, current_id=BASE)
    assert (store.describe().current_id, store.describe().previous_id) == (FIRST, BASE)


@pytest.mark.parametrize("skip", range(3))
def test_a_lease_whose_replies_are_lost_blocks_nobody_for_good(door: Any, skip: int) -> None:
    """At worst until the run's own time is over."""
    store = door.store()
    store.stage(FIRST, NEXT)
    door.double.faults.drop("UpdateSecretVersionStage", applied=True, skip=skip)
    with pytest.raises(StoreUnavailable):
        acquire(door, FIRST, "aa", until=60)
    acquire(door, FIRST, "bb", now=61 + CLOCK_MARGIN, until=190)


def test_a_throttled_call_is_repeated_by_the_client(door: Any) -> None:
    """Three tries are the handler's setting."""
    door.double.faults.throttle("DescribeSecret", times=2)
    assert door.store(attempts=3).describe().current_id == BASE


def test_a_broken_key_is_seen_when_reading_and_when_putting(door: Any) -> None:
    """Typed for both directions."""
    door.double.faults.break_key()
    for operation in (lambda: door.store().read(BASE), lambda: door.store().stage(FIRST, NEXT)):
        with pytest.raises(StoreDenied, match="KMS"):
            operation()


def test_a_secret_marked_for_deletion_is_a_final_error(door: Any) -> None:
    """Until it is restored."""
    door.double.call("DeleteSecret", SecretId=door.name)
    with pytest.raises(StoreError, match="deletion") as caught:
        door.store().read(BASE)
    assert not caught.value.retryable


def test_a_secret_that_is_gone_is_not_found(door: Any) -> None:
    """Typed, with a hint to look at the name."""
    door.double.call("DeleteSecret", SecretId=door.name, ForceDeleteWithoutRecovery=True)
    with pytest.raises(SecretNotFound):
        door.store().describe()
    with pytest.raises(SecretNotFound):
        read_current(door.client, door.name)


def test_a_binary_value_is_no_document(door: Any) -> None:
    """Typed, without the bytes; the same for an admin credential."""
    door.double.call(
        "PutSecretValue",
        SecretId=door.name,
        ClientRequestToken=FIRST,
        SecretBinary="Y2FuYXJ5",
        VersionStages=["AWSCURRENT"],
    )
    with pytest.raises(SecretDocumentError, match="binary"):
        door.store().read(FIRST)
    with pytest.raises(SecretDocumentError):
        read_current(door.client, door.name)


def test_an_admin_credential_is_read_with_one_permission(door: Any) -> None:
    """GetSecretValue and no other call."""
    before = len(door.double.calls)
    assert read_current(door.client, door.name).password.reveal() == "live-Ä😀"
    assert [call.operation for call in door.double.calls[before:]] == ["GetSecretValue"]


def test_an_old_view_makes_no_second_holder(door: Any) -> None:
    """DescribeSecret may lag; the compare-and-swap does not, and a run that misses its own labels does nothing."""
    store = door.store()
    store.stage(FIRST, NEXT)
    door.double.faults.lag(describe=50)
    with pytest.raises(NotYetVisible):
        acquire(door, FIRST, "aa", until=60)
    with pytest.raises(InProgress):
        acquire(door, FIRST, "bb", until=90)


def test_a_promotion_is_found_done_only_where_it_shows(door: Any) -> None:
    """An old view says that current is elsewhere: try again rather than believe."""
    store = door.store()
    store.stage(FIRST, NEXT)
    door.double.faults.lag(describe=1)
    store.promote(FIRST, current_id=BASE)
    with pytest.raises(StageConflict) as caught:
        store.promote(FIRST, current_id=BASE)
    assert caught.value.retryable
    store.promote(FIRST, current_id=BASE)
