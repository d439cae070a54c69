"""How one secret of a fleet is, read from its entry in ListSecrets: dates, tags and labels, and no value.

Labels are untrusted input: they can make a secret look better or worse than it is, and decide nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rotation.core.errors import BindingMismatch
from rotation.core.values import Evidence
from rotation.state import parking
from rotation.state.binding import Binding
from rotation.state.marks import PREFIX, Kind, number_in
from rotation.state.stages import PENDING
from rotation.state.versions import SecretState, Version
from rotation.stores.aws.secrets_manager import BINDING_TAG

DAY = 86_400.0


class Outcome(StrEnum):
    """What became of a secret's latest rotation."""

    COMMITTED = "committed"
    """The current password was proved and made current by a rotation."""
    PARKED = "parked"
    """An attempt stopped on purpose; the reason says why."""
    UNFINISHED = "unfinished"
    """A rotation has begun and has not ended."""
    UNPROVED = "unproved"
    """No rotation has proved the current password: there was none yet, or somebody put a value since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSecret:
    """One secret.

    Attributes:
        name: as the service lists it.
        arn: its ARN.
        driver: by the binding; ``None`` where there is none.
        outcome: of the latest rotation.
        evidence: how the current password was proved; of a batch the weakest.
        since: epoch seconds of the latest rotation, or of the secret's creation if there was none.
        next_rotation: epoch seconds of the next scheduled one.
        enabled: whether the service rotates it on a schedule.
        function: ARN of its rotation function.
        reset_sent: whether an unfinished rotation has or may have sent a reset, so that current may be dead.
        reason: why it is parked.
        not_before: epoch seconds before which a parked attempt does nothing.
        pending: id of the version of an unfinished rotation.
        sent: epoch seconds of the latest reset that an unfinished rotation has or may have sent.
        owed: id of the current version, if a target of events has not taken its commit.
    """

    name: str
    arn: str
    driver: str | None
    outcome: Outcome
    evidence: Evidence | None
    since: float
    next_rotation: float | None
    enabled: bool
    function: str | None
    reset_sent: bool
    reason: str | None
    not_before: float | None
    pending: str | None
    sent: float | None = None
    owed: str | None = None

    @classmethod
    def named(cls, name: str, arn: str, driver: str | None) -> FleetSecret:
        """Return a secret of which only this is known, until its labels are read."""
        return cls(
            name=name,
            arn=arn,
            driver=driver,
            outcome=Outcome.UNPROVED,
            evidence=None,
            since=0.0,
            next_rotation=None,
            enabled=False,
            function=None,
            reset_sent=False,
            reason=None,
            not_before=None,
            pending=None,
        )

    @property
    def bound(self) -> bool:
        """Whether a binding names the account."""
        return self.driver is not None

    @property
    def needs_human(self) -> bool:
        """Whether another attempt alone changes nothing."""
        return self.reason is not None and parking.needs_human(self.reason)

    @property
    def why(self) -> str:
        """The next step for a parked secret, as ``parking`` says."""
        known = None if self.reason is None else parking.known(self.reason)
        return "" if known is None else known.hint

    def overdue(self, now: float) -> bool:
        """Return whether a scheduled rotation should have happened."""
        return self.enabled and self.next_rotation is not None and self.next_rotation < now

    def age(self, now: float) -> float:
        """Return the seconds since the latest rotation, or since the secret was made."""
        return max(0.0, now - self.since)

    def describe(self, now: float) -> dict[str, object]:
        """Return the fields of ``--json`` and ``--csv``; the keys are always the same."""
        return {
            "secret_id": self.name,
            "arn": self.arn,
            "driver": self.driver,
            "bound": self.bound,
            "age_seconds": int(self.age(now)),
            "outcome": self.outcome.value,
            "evidence": self.evidence.name if self.evidence else None,
            "next_rotation": self.next_rotation,
            "rotation_enabled": self.enabled,
            "overdue": self.overdue(now),
            "reset_sent": self.reset_sent,
            "reason": self.reason,
            "needs_human": self.needs_human,
            "not_before": self.not_before,
        }


def managed(entries: Iterable[Any], now: float, *, function: str = "") -> Iterator[FleetSecret]:
    """Yield the secrets that Lockstep rotates: bound ones, those with its labels, and those of a function.

    Replicas are left out, since their primary secret is rotated.

    Args:
        entries: of ListSecrets.
        now: epoch seconds; a label that names a time too far ahead is not believed.
        function: ARN of a rotation function; its secrets are Lockstep's although none has been rotated yet.
    """
    for entry in entries:
        region = str(entry["ARN"]).split(":")[3]
        if entry.get("PrimaryRegion", region) != region:
            continue
        stages = entry.get("SecretVersionsToStages", {}).values()
        labelled = any(label.startswith(PREFIX) for labels in stages for label in labels)
        bound = any(each["Key"] == BINDING_TAG for each in entry.get("Tags", ()))
        if bound or labelled or (function and entry.get("RotationLambdaARN") == function):
            yield read(entry, now)


def read(entry: Any, now: float) -> FleetSecret:  # noqa: ANN401 - the API's answer
    """Return how a secret is, by its entry of ListSecrets or the answer of DescribeSecret; see ``managed``."""
    labelled = entry.get("SecretVersionsToStages", entry.get("VersionIdsToStages", {}))
    versions = {key: Version.from_labels(key, labels, as_of=now) for key, labels in labelled.items()}
    state = SecretState(rotation_enabled=bool(entry.get("RotationEnabled")), versions=versions)
    pending = state.holder(PENDING)
    unfinished = None if pending == state.current_id else pending
    current = state.version(state.current_id or "")
    parked = _parked(state, unfinished)
    proved = [each for each in (current.proof, *current.proofs.values()) if each is not None]
    outcome = Outcome.COMMITTED if proved else Outcome.UNPROVED
    if parked is not None or unfinished is not None:
        outcome = Outcome.PARKED if parked is not None else Outcome.UNFINISHED
    return FleetSecret(
        name=str(entry["Name"]),
        arn=str(entry["ARN"]),
        driver=_driver(entry),
        outcome=outcome,
        evidence=min(proved, default=None),
        since=_since(entry, current if proved else None),
        next_rotation=_epoch(entry.get("NextRotationDate")),
        enabled=state.rotation_enabled,
        function=entry.get("RotationLambdaARN"),
        reset_sent=unfinished is not None and state.version(unfinished).intent is not None,
        reason=None if parked is None else parked[0],
        not_before=None if parked is None else parked[1],
        pending=unfinished,
        sent=None if unfinished is None else state.version(unfinished).intent,
        owed=current.id if current.all(Kind.OWED) else None,
    )


def _parked(state: SecretState, unfinished: str | None) -> tuple[str, float] | None:
    """Return the parking that holds: of an unfinished rotation, or about the account; one for a human comes first."""
    found: list[tuple[bool, float, str]] = []
    for version in state.versions.values():
        marks = version.marks.union(*version.members.values())
        for value in (each.value for each in marks if each.kind is Kind.PARKED):
            reason, _, until = value.rpartition(":")
            known = parking.known(reason)
            if version.id == unfinished or (known is not None and known.account_wide and unfinished is None):
                found.append((parking.needs_human(reason), number_in(until), reason))
    if not found:
        return None
    _, latest, name = max(found)
    return name, latest


def _driver(entry: Any) -> str | None:  # noqa: ANN401 - as above
    text = next((each.get("Value", "") for each in entry.get("Tags", ()) if each["Key"] == BINDING_TAG), "")
    try:
        return Binding.parse(text).driver
    except BindingMismatch:
        return None  # and no rotation goes by it


def _since(entry: Any, proved: Version | None) -> float:  # noqa: ANN401 - as above
    """Return when the password was changed. The labels know rotations that the service did not run itself."""
    made = _epoch(entry.get("LastRotatedDate")) or _epoch(entry.get("CreatedDate")) or 0.0
    latest = 0.0 if proved is None or proved.intent is None else proved.intent
    changed = _epoch(entry.get("LastChangedDate")) or 0.0  # nobody resets after the secret's last change
    return max(made, latest) if latest <= changed else made


def _epoch(date: Any) -> float | None:  # noqa: ANN401 - a date of botocore
    return None if date is None else float(date.timestamp())
