"""AWS Secrets Manager: versions, staging labels, compare-and-swap by ``RemoveFromVersionId``.

Contract facts by the API model of 2017-10-17 as shipped with botocore, read 2026-11: a put is idempotent by token and
fails for another value under the same token; a pending version may exist without a value; reads may lag behind writes;
a label sits on one version at a time, and moving it needs the right holder's name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from rotation.core.clock import StoreClock, SystemClock
from rotation.core.document import SecretDocument
from rotation.core.errors import (
    SecretDocumentError,
    SecretNotFound,
    StageConflict,
    StoreError,
)
from rotation.core.secret import Secret
from rotation.state.marks import PREFIX, Mark
from rotation.state.stages import CURRENT, PENDING
from rotation.state.store import LabelStore, StoredValue
from rotation.state.versions import SecretState, Version
from rotation.stores.aws.failures import asked, require_primary
from rotation.stores.aws.seal import Seal

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import TagTypeDef

T = TypeVar("T")

BINDING_TAG = "lockstep:account"
"""The tag with the secret's binding. Writing it takes ``TagResource``, which no writer of values needs."""

_VALUE_BYTES = 65_536
"""The longest SecretString, by the API model of 2017-10-17."""
_ANY_TOKEN = "0" * 36
"""As long as the tokens of the service; a seal's length does not depend on the token."""


class _StagingLabels:
    """The staging labels of one secret."""

    def __init__(self, client: SecretsManagerClient, secret_id: str, clock: StoreClock) -> None:
        self._client = client
        self._secret_id = secret_id
        self._clock = clock
        self.ahead: set[str] = set()
        self.known_arn: str | None = None

    @property
    def arn(self) -> str:
        """The secret's ARN, as the service says."""
        if self.known_arn is None:
            self.describe()
        return str(self.known_arn)

    def ask(self, call: Callable[[], T]) -> T:
        """Make one call about the secret; see ``asked``. The date of its answer sets the clock."""
        began = self._clock.now()
        answer = asked(self._client, self._secret_id, call)
        self._clock.heard(_dated(answer), self._clock.now() - began)
        return answer

    def describe(self) -> SecretState:
        """See ``Labels``."""
        answer = self.ask(lambda: self._client.describe_secret(SecretId=self._secret_id))
        self.known_arn = answer["ARN"]
        require_primary(answer, self._client)
        labelled = answer.get("VersionIdsToStages", {})
        now = self._clock.now()
        versions = {key: Version.from_labels(key, labels, as_of=now) for key, labels in labelled.items()}
        tags = {str(tag.get("Key")): tag.get("Value", "") for tag in answer.get("Tags") or ()}
        binding = tags.pop(BINDING_TAG, None)
        wishes = {key: text for key, text in tags.items() if key.startswith(PREFIX)}
        state = SecretState(bool(answer.get("RotationEnabled", False)), versions, binding, wishes)
        self.ahead.update(state.ahead)
        return state

    def attach(self, label: str, version_id: str) -> None:
        """See ``Labels``."""
        self._stage(VersionStage=label, MoveToVersionId=version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        """See ``Labels``."""
        self._stage(VersionStage=label, RemoveFromVersionId=source, MoveToVersionId=target)

    def detach(self, label: str, version_id: str) -> None:
        """See ``Labels``."""
        try:
            self._stage(VersionStage=label, RemoveFromVersionId=version_id)
        except StageConflict:
            return  # It is not there, which is what was asked for.

    def _stage(self, **change: str) -> None:
        try:
            self.ask(lambda: self._client.update_secret_version_stage(SecretId=self._secret_id, **change))
        except StoreError as error:
            conflict = error.vendor_code == "InvalidParameterException"
            if not conflict:
                raise
        else:
            return
        raise StageConflict("a staging label does not sit where it was expected")


class AwsSecretsManager(LabelStore):
    """A ``Store`` for one secret.

    Args:
        client: calls the service.
        secret_id: the secret's name or ARN.
        rotation_token: passed on with each value; only the service's own rotation has one.
        seal: marks the candidates that are staged, and tells them from others; ``None`` trusts every candidate.
        clock: by which labels are believed; the service's answers set it. The machine's if ``None``.
    """

    def __init__(
        self,
        client: SecretsManagerClient,
        secret_id: str,
        *,
        rotation_token: Secret | None = None,
        seal: Seal | None = None,
        clock: StoreClock | None = None,
    ) -> None:
        self._staging = _StagingLabels(client, secret_id, clock or StoreClock(SystemClock()))
        super().__init__(self._staging)
        self._client = client
        self._secret_id = secret_id
        self._rotation_token = rotation_token
        self._seal = seal

    @property
    def name(self) -> str:
        """The secret's ARN once the service has said it; until then the id that was given."""
        return self._staging.known_arn or self._secret_id

    @property
    def ahead(self) -> list[str]:
        """Labels with a time that was not believed: see ``state.marks``."""
        return sorted(self._staging.ahead)

    def read(self, version_id: str) -> StoredValue | None:
        """See ``Store``."""
        try:
            answer = self._staging.ask(
                lambda: self._client.get_secret_value(SecretId=self._secret_id, VersionId=version_id)
            )
        except SecretNotFound:
            # Secrets Manager says the same for a version without a value as for no version at all.
            return None
        text = answer.get("SecretString")
        if not text:
            raise SecretDocumentError("the secret's value is binary, not text")
        document, arn = SecretDocument.parse(text), answer["ARN"]
        return StoredValue(
            version_id,
            document,
            answer["CreatedDate"].timestamp(),
            is_foreign=lambda: not self._is_sealed(document, arn, version_id),
        )

    def _is_sealed(self, document: SecretDocument, arn: str, version_id: str) -> bool:
        return self._seal is None or self._seal.holds(document, arn=arn, version_id=version_id)

    def enroll(self, binding: str) -> None:
        """See ``Store``."""
        client, secret_id = self._client, self._secret_id
        tag: TagTypeDef = {"Key": BINDING_TAG, "Value": binding}
        asked(client, secret_id, lambda: client.tag_resource(SecretId=secret_id, Tags=[tag]))

    def stage(self, token: str, document: SecretDocument, mark: Mark | None = None) -> None:
        """See ``Store``."""
        sealed, label = self._sealed(token, document), PENDING if mark is None else mark.on(token)
        _require_fits(sealed)
        self._staging.ask(lambda: self._put(token, sealed.dump(), label))

    def require_fits(self, document: SecretDocument) -> None:
        """See ``Fits``."""
        _require_fits(self._sealed(_ANY_TOKEN, document))

    def _sealed(self, token: str, document: SecretDocument) -> SecretDocument:
        if self._seal is None:
            return document
        return self._seal.put_on(document, arn=self._staging.arn, version_id=token)

    def _put(self, token: str, text: Secret, label: str) -> object:
        extra: dict[str, Any] = {}
        if self._rotation_token is not None:
            extra["RotationToken"] = self._rotation_token.reveal()
        return self._client.put_secret_value(
            SecretId=self._secret_id,
            ClientRequestToken=token,
            SecretString=text.reveal(),
            VersionStages=[label],
            **extra,
        )

    def promote(self, token: str, *, current_id: str | None) -> None:
        """See ``Store``."""
        if current_id is None:
            raise SecretDocumentError("the secret has no current version to take over from")
        try:
            self._labels.move(CURRENT, source=current_id, target=token)
        except StageConflict:
            if self.describe().current_id != token:
                raise


def _dated(answer: Any) -> str | None:  # noqa: ANN401 - the API's answer
    return answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date") if answer else None


def _require_fits(document: SecretDocument) -> None:
    size = len(document.dump().reveal().encode())
    if size > _VALUE_BYTES:
        raise SecretDocumentError(
            f"the new value would have {size} bytes, and Secrets Manager takes at most {_VALUE_BYTES}",
            hint="Move keys that the rotation does not need from the secret into another one.",
        )


def read_current(client: SecretsManagerClient, secret_id: str) -> SecretDocument:
    """Return another secret's current document, such as an admin credential; needs GetSecretValue on it and no more.

    Raises:
        StoreError: it cannot be read.
        SecretDocumentError: it is no JSON object.
    """
    answer = asked(client, secret_id, lambda: client.get_secret_value(SecretId=secret_id))
    return SecretDocument.parse(answer.get("SecretString", ""))


def described(client: SecretsManagerClient, secret_id: str) -> Any:  # noqa: ANN401 - the API's answer
    """Return what DescribeSecret says of a secret: its ARN and its tags, no value.

    Raises:
        StoreError: it cannot be described.
    """
    return asked(client, secret_id, lambda: client.describe_secret(SecretId=secret_id))
