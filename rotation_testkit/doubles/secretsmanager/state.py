"""The state of the service: secrets, their versions, and the version of each staging label."""

from __future__ import annotations

import secrets
import string
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager.protocol.errors import ServiceError, invalid_request, not_found

Params = Mapping[str, Any]
Answer = dict[str, Any]
T = TypeVar("T")

CURRENT = "AWSCURRENT"
PENDING = "AWSPENDING"
PREVIOUS = "AWSPREVIOUS"
LABELS_PER_SECRET = 20
"""AWS's quotas page: "staging labels attached across all versions of a secret: 20", so not 20 per version."""

VERSIONS_KEPT = 100
"""AWS's quotas page: unlabelled versions are removed when there are more, except those created less than 24 h ago."""
NEW_VERSIONS_A_DAY = 144
"""The quota itself is "~100" there, without an exact number, and is not reached at one new version every 10 minutes."""
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A version's value; binary ones are kept as the base64 text of the wire."""

    content: Secret
    binary: bool


@dataclass(slots=True)
class Version:
    """One version. ``value`` is ``None`` while it is the empty version that a rotation starts with."""

    id: str
    created: float
    value: StoredValue | None = None
    accessed: float | None = None
    hidden_reads: int = 0


@dataclass(slots=True)
class Schedule:
    """How a secret is rotated; stays after rotation was switched off, as ``DescribeSecret`` shows it."""

    function: str
    rules: dict[str, Any]
    enabled: bool = True
    last: float | None = None
    next: float | None = None


@dataclass(slots=True)
class SecretRecord:
    """One secret. ``labels`` maps a staging label to its version, so that a label is on one version only."""

    arn: str
    name: str
    created: float
    changed: float
    description: str | None = None
    kms_key: str | None = None
    tags: dict[str, str] | None = None
    versions: dict[str, Version] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    accessed: float | None = None
    deleted: float | None = None
    schedule: Schedule | None = None
    stale_view: Answer | None = None
    stale_reads: int = 0

    def stages(self, version_id: str) -> list[str]:
        """Return a version's labels in alphabetical order, as AWS lists them."""
        return sorted(label for label, holder in self.labels.items() if holder == version_id)

    def staged(self) -> dict[str, list[str]]:
        """Return the labels of every labelled version, in alphabetical order."""
        found: dict[str, list[str]] = {version: [] for version in self.labels.values()}
        for label in sorted(self.labels):
            found[self.labels[label]].append(label)
        return found

    def relabel(self, labels: dict[str, str]) -> None:
        """Replace all labels.

        Raises:
            ServiceError: ``LimitExceededException`` over the quota; nothing is changed.
        """
        if len(labels) > LABELS_PER_SECRET:
            raise ServiceError(
                "LimitExceededException", "You exceeded the maximum number of staging labels allowed on a secret."
            )
        self.labels = labels

    def admit(self, version_id: str, now: float) -> None:
        """Check that the version quota allows a value under this id.

        Raises:
            ServiceError: ``LimitExceededException``: too many versions, none of which may be removed yet.
        """
        others = [each for each in self.versions.values() if each.id != version_id]
        young = sum(each.created > now - _DAY for each in others)
        if len(others) >= VERSIONS_KEPT and young >= NEW_VERSIONS_A_DAY:
            raise ServiceError("LimitExceededException", "You exceeded the maximum number of versions of a secret.")

    def remove_outdated(self, now: float) -> None:
        """Remove the oldest versions that have no label and are older than a day, while there are too many."""
        held = set(self.labels.values())
        outdated = [each for each in self.versions.values() if each.id not in held and each.created <= now - _DAY]
        outdated.sort(key=lambda version: version.created)
        for each in outdated[: max(0, len(self.versions) - VERSIONS_KEPT)]:
            del self.versions[each.id]

    def moved(self, label: str, version_id: str, labels: dict[str, str]) -> dict[str, str]:
        """Return ``labels`` with one label moved; AWSCURRENT leaves AWSPREVIOUS where it came from."""
        old = labels.get(label)
        after = {**labels, label: version_id}
        if label == CURRENT and old is not None and old != version_id:
            after[PREVIOUS] = old
        return after


@dataclass(slots=True)
class ServiceState:
    """The secrets of one account in one region, behind one lock.

    Attributes:
        secrets: by ARN.
        names: the ARN by a name, or by an ARN without its random suffix.
        marked: ARNs of the secrets that are or were marked for deletion.
        lag_values: a freshly put value is unreadable for this many reads.
        lag_describe: after a change, this many ``DescribeSecret`` calls still show the state before it.
        rotation_tokens: the token that PutSecretValue must carry, by ARN and version id.
    """

    clock: Callable[[], float]
    region: str
    account: str
    lock: threading.RLock = field(default_factory=threading.RLock)
    secrets: dict[str, SecretRecord] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)
    pages: dict[str, tuple[str, int]] = field(default_factory=dict)
    rotation_tokens: dict[tuple[str, str], Secret] = field(default_factory=dict)
    lag_values: int = 0
    lag_describe: int = 0

    def arn_for(self, name: str) -> str:
        """Return a fresh ARN; six random characters keep a re-created secret apart from its namesake."""
        suffix = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(6))
        return f"arn:aws:secretsmanager:{self.region}:{self.account}:secret:{name}-{suffix}"

    def named(self, secret_id: str) -> SecretRecord | None:
        """Find a secret by name, ARN or ARN without the random suffix."""
        self.drop_deleted()
        for arn in (secret_id, self.names.get(secret_id, "")):
            if arn in self.secrets:
                return self.secrets[arn]
        return None

    def add(self, secret: SecretRecord) -> None:
        """Keep a new secret, found from now on by its ARN, by its name and by its ARN without the random suffix."""
        self.secrets[secret.arn] = secret
        self.names[secret.name] = self.names[secret.arn[:-7]] = secret.arn

    def drop_deleted(self) -> None:
        """Forget the secrets whose recovery window is over."""
        now = self.clock()
        over = [arn for arn in self.marked if (at := self.secrets[arn].deleted) is not None and at <= now]
        for arn in over:
            self.drop(arn)

    def drop(self, arn: str) -> None:
        """Forget a secret."""
        secret = self.secrets.pop(arn)
        self.marked.discard(arn)
        for name in (secret.name, arn[:-7]):
            if self.names.get(name) == arn:
                del self.names[name]

    def find(self, secret_id: str, *, even_deleted: bool = False) -> SecretRecord:
        """Find a secret.

        Raises:
            ServiceError: there is none, or it is marked for deletion and the operation needs a living one.
        """
        secret = self.named(secret_id)
        if secret is None:
            raise not_found()
        if secret.deleted is not None and not even_deleted:
            raise invalid_request("You can't perform this operation on the secret because it was marked for deletion.")
        return secret

    def page(self, kind: str, items: list[T], params: Params) -> tuple[list[T], str | None]:
        """Return one page of ``items``; a token is valid only for the listing that issued it."""
        start = 0
        token = params.get("NextToken")
        if token is not None:
            known = self.pages.get(token)
            if known is None or known[0] != kind:
                raise ServiceError("InvalidNextTokenException", "The NextToken value is invalid.")
            start = known[1]
        end = start + int(params.get("MaxResults", 100))
        if end >= len(items):
            return items[start:end], None
        following = uuid.uuid4().hex
        self.pages[following] = (kind, end)
        return items[start:end], following
