"""The versions of a secret, with everything that their labels say, parsed once.

A secret whose newest rotation has sent its reset and spent one wrong login looks like this::

    version "aaaa…1111"  AWSCURRENT, lockstep:proof:login,
                         lockstep:intent:1699990000:1699990060:51c0ffee:00000000@aaaa1111
    version "bbbb…2222"  AWSPENDING, lockstep:lease:1, lockstep:rejected:1:1700000030:~7f3a@bbbb2222,
                         lockstep:intent:1700000000:1700000060:7f3a01bc:aaaa1111@bbbb2222

``Version.from_labels`` makes of the second one ``stages={"AWSPENDING"}``, ``intent=1700000000.0`` and
``rejected=(1, 1700000030.0)``. A batch packs the marks of each account into one label; ``seen_by`` unpacks them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import inf

from rotation.core.values import Evidence, Lockout, Task
from rotation.state.marks import (
    LEASE,
    LONGEST_RUN_SECONDS,
    PREFIX,
    TURNED_AWAY,
    Intent,
    Kind,
    Mark,
    charge_origin,
    charged,
    failures,
    intended,
    is_ahead,
    is_of_a_run,
    latest_in,
    number_in,
    run_name,
    unpacked,
)
from rotation.state.marks import proof as proved
from rotation.state.stages import CURRENT, PREVIOUS


@dataclass(frozen=True, slots=True)
class Version:
    """One version with every label that the store shows, and what they say.

    Attributes:
        stages: labels that are not ours, such as AWSCURRENT.
        marks: our marks; labels of the lease are none.
        members: the marks of each account of a batch, by its number; of two labels for one account both count.
        intents: of the runs that may have sent a reset, the latest last.
        intent: epoch of the latest reset that may have been sent, for any account; ``None`` when none was.
        accepted: whether the vendor definitively said yes to the latest reset. Each reset removes the mark first.
        proof: how the password was proved; see ``SecretState.proof`` for whether that still holds.
        proofs: the same for each account of a batch, by its number.
        parked: reason and epoch of the latest parking.
        charges: wrong logins and the epoch of the latest, by their origin: a run, or a version that was released.
        rejected: the wrong logins charged on this version itself; ``(0, 0)`` when none.
        learnt: what logins with stored passwords found since the latest reset, which removes the mark as well; by the
            end of the id of each password's version.
        failed: how many resets or attempts in a row were of no use.
        put_off: how many attempts in a row the vendor refused or put off.
        counted: whether the latest reset is counted as one of no use.
        as_of: when the labels were read, if that is known: later times are believed only as far as ``marks`` says.
        latest: the latest time that a mark names, in epoch seconds; 0 where none does.
        ahead: labels with a time that is too far ahead, so that it was not believed.
        unread: labels with our prefix that say nothing: garbled, of another release, or not believed.
    """

    id: str
    labels: frozenset[str]
    stages: frozenset[str] = field(default=frozenset(), compare=False)
    marks: frozenset[Mark] = field(default=frozenset(), compare=False)
    members: Mapping[str, frozenset[Mark]] = field(default_factory=dict, compare=False)
    intents: tuple[Intent, ...] = field(default=(), compare=False)
    intent: float | None = field(default=None, compare=False)
    accepted: bool = field(default=False, compare=False)
    task: str | None = field(default=None, compare=False)
    proof: Evidence | None = field(default=None, compare=False)
    proofs: Mapping[str, Evidence] = field(default_factory=dict, compare=False)
    parked: tuple[str, float] | None = field(default=None, compare=False)
    charges: Mapping[str, tuple[int, float]] = field(default_factory=dict, compare=False)
    rejected: tuple[int, float] = field(default=(0, 0.0), compare=False)
    learnt: Mapping[str, str] = field(default_factory=dict, compare=False)
    failed: int = field(default=0, compare=False)
    put_off: int = field(default=0, compare=False)
    counted: bool = field(default=False, compare=False)
    as_of: float = field(default=inf, compare=False)
    latest: float = field(default=0.0, compare=False)
    ahead: frozenset[str] = field(default=frozenset(), compare=False)
    unread: frozenset[str] = field(default=frozenset(), compare=False)

    @classmethod
    def from_labels(cls, version_id: str, labels: Iterable[str], *, as_of: float = inf) -> Version:
        """Return the version whose labels these are."""
        return _read(version_id, frozenset(labels), as_of)

    def all(self, kind: Kind) -> list[Mark]:
        """Return the marks of one kind, in the same order in every process."""
        return sorted(mark for mark in self.marks if mark.kind is kind)

    def seen_by(self, number: int | str) -> Version:
        """Return this version as one account of a batch sees it: with its own marks and those that concern all."""
        others = {mark.on(self.id) for kind in (Kind.MEMBER, Kind.PROOF) for mark in self.all(kind)}
        own = {mark.on(self.id) for mark in self.members.get(str(number), ())}
        proof = self.proofs.get(str(number))
        proofs = {proved(proof).on("")} if proof else set()
        return Version.from_labels(self.id, self.labels - others | own | proofs, as_of=self.as_of)

    def believed(self, now: float) -> Version:
        """Return this version as its labels are to be believed now."""
        if self.as_of == inf and self.latest <= now + LONGEST_RUN_SECONDS:
            return replace(self, as_of=now)  # no time is too far ahead, so nothing is read differently
        return Version.from_labels(self.id, self.labels, as_of=now)

    def before(self, holder: str) -> Version:
        """Return this version as it was before a run began."""
        mine = {each.mark.on(self.id) for each in self.intents if each.run == run_name(holder)}
        return Version.from_labels(self.id, self.labels - mine, as_of=self.as_of) if mine else self

    @property
    def is_turned_away(self) -> bool:
        """Whether the vendor refused the latest request because it was at work on the account."""
        return self.learnt.get(self.id[-8:]) == TURNED_AWAY

    def intents_of_others(self, holder: str) -> list[Intent]:
        """Return the intents of all runs but one."""
        return [each for each in self.intents if each.run != run_name(holder)]


@lru_cache(maxsize=128)
def _read(version_id: str, labels: frozenset[str], as_of: float) -> Version:
    """Return a version. The labels of a rotation's other versions are the same at each of its steps."""
    parsed = {label: mark for label in labels if (mark := Mark.parse(label)) is not None}
    ahead = frozenset(label for label, mark in parsed.items() if is_ahead(mark, as_of))
    marks = frozenset(mark for label, mark in parsed.items() if label not in ahead or mark.kind in _KEPT_AHEAD)
    ours = {label for label in labels if label.startswith(PREFIX) and not LEASE.fullmatch(label)}
    values: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for mark in sorted(marks):
        values[mark.kind].append(mark.value)
    members = _members(marks, as_of)
    noted = marks.union(*members.values())
    intents = sorted(intended(mark, as_of) for mark in noted if mark.kind is Kind.INTENT)
    intents = [each for each in intents if not each.run or each.run not in values[Kind.UNSENT]]
    intent = intents[-1].sent if intents else None
    proofs = _proofs(values[Kind.PROOF])
    charges = charges_of(marks)
    failed, put_off, counted = failures(values[Kind.FAILED])
    parked = ((reason, number_in(until)) for reason, _, until in (v.rpartition(":") for v in values[Kind.PARKED]))
    return Version(
        id=version_id,
        labels=labels,
        stages=frozenset(label for label in labels if not label.startswith(PREFIX)),
        marks=marks,
        members=members,
        intents=tuple(intents),
        intent=intent,
        accepted=bool(values[Kind.ACCEPTED]),
        task=max(filter(Task.is_id, values[Kind.TASK]), default=None),
        proof=proofs.pop("", None),
        proofs=proofs,
        parked=max(parked, key=lambda pair: pair[1], default=None),
        charges=charges,
        rejected=total(charge for origin, charge in charges.items() if not origin or is_of_a_run(origin)),
        learnt=_learnt(values[Kind.LEARNT]),
        failed=failed,
        put_off=put_off,
        counted=counted,
        as_of=as_of,
        latest=max((latest_in(mark) for mark in noted), default=0.0),
        ahead=ahead,
        unread=frozenset(ours - {mark.on(version_id) for mark in marks}),
    )


def _proofs(values: Iterable[str]) -> dict[str, Evidence]:
    """Return the proofs by the account's number, which is empty where there is one account; of two the best counts."""
    found: dict[str, Evidence] = {}
    for value in values:
        name, _, number = value.partition(":")
        if name in _BY_NAME:
            found[number] = max(_BY_NAME[name], found.get(number, Evidence.ACCEPTED))
    return found


_KEPT_AHEAD = (Kind.INTENT, Kind.MEMBER)
"""What is read although a time in it is too far ahead: that something was sent, and an account's other marks."""
_BY_NAME: Mapping[str, Evidence] = {evidence.name.lower(): evidence for evidence in Evidence}


def _learnt(values: Iterable[str]) -> dict[str, str]:
    """Return what logins found, by the end of the id of each password's version; of two labels both count."""
    pairs = (each.partition("=") for value in values for each in value.split("+"))
    return {version: finding for version, _, finding in pairs if finding}


def _members(marks: Iterable[Mark], as_of: float) -> Mapping[str, frozenset[Mark]]:
    found: dict[str, frozenset[Mark]] = {}
    for mark in marks:
        if mark.kind is Kind.MEMBER:
            number, notes = unpacked(mark)
            believed = (each for each in notes if each.kind in _KEPT_AHEAD or not is_ahead(each, as_of))
            found[number] = found.get(number, frozenset()).union(believed)
    return dict(sorted(found.items()))


def charges_of(marks: Iterable[Mark]) -> dict[str, tuple[int, float]]:
    """Return wrong logins by their origin.

    Of two marks of one origin, as a crash between writing one and taking the other away leaves them, the later counts.
    """
    found: dict[str, tuple[int, float]] = {}
    for mark in marks:
        if mark.kind is Kind.REJECTED:
            charge, origin = charged(mark), charge_origin(mark)
            found[origin] = max(found.get(origin, charge), charge, key=lambda each: (each[1], each[0]))
    return found


def total(charges: Iterable[tuple[int, float]]) -> tuple[int, float]:
    """Return how many wrong logins charges stand for, and when the latest was."""
    charges = list(charges)
    return sum(count for count, _ in charges), max((at for _, at in charges), default=0.0)


@dataclass(frozen=True, slots=True)
class SecretState:
    """A secret's labels at one moment; unlabelled versions are not shown.

    Attributes:
        binding: the text of the secret's binding; see ``state.binding``.
        wishes: the other texts that the operator put beside the secret, by their keys: its tags that begin with
            ``lockstep:``, or custom metadata with ``lockstep-``.
    """

    rotation_enabled: bool
    versions: Mapping[str, Version]
    binding: str | None = None
    wishes: Mapping[str, str] = field(default_factory=dict)

    def as_of(self, now: float) -> SecretState:
        """Return the labels as they are to be believed now: see ``marks``."""
        seen = {key: each.believed(now) for key, each in self.versions.items()}
        return replace(self, versions=seen)

    @property
    def ahead(self) -> list[str]:
        """The labels whose time was not believed."""
        return sorted(frozenset[str]().union(*(version.ahead for version in self.versions.values())))

    def version(self, version_id: str) -> Version:
        """Return a version; one without labels if it has lost them, since they may be removed at any moment."""
        return self.versions.get(version_id) or Version(version_id, frozenset())

    def holder(self, label: str) -> str | None:
        """Return the id of the version that carries a label, such as a stage."""
        return next((version.id for version in self.versions.values() if label in version.labels), None)

    @property
    def current_id(self) -> str | None:
        """The version that readers get."""
        return self.holder(CURRENT)

    @property
    def previous_id(self) -> str | None:
        """The version that readers got before."""
        return self.holder(PREVIOUS)

    def was_put(self, version_id: str) -> bool:
        """Return whether readers get or got a version, so that an operator may have put its value."""
        return bool({CURRENT, PREVIOUS} & self.version(version_id).stages)

    def cancelled_id(self, token: str) -> str | None:
        """Return the version of a rotation that was given up after its reset may have been sent; the latest one."""
        since = self.version(self.current_id or "").intent or -1.0
        sent = [
            (version.intent, version.id)
            for version in self.versions.values()
            if version.id not in (token, self.current_id) and version.intent is not None and version.intent > since
        ]
        return max(sent)[1] if sent else None

    def seen_by(self, number: int) -> SecretState:
        """Return the labels as one account of a batch sees them."""
        return replace(self, versions={key: version.seen_by(number) for key, version in self.versions.items()})

    def is_proved(self, version_id: str, accounts: int) -> bool:
        """Return whether each account's password is proved; ``accounts`` is 1 where the secret holds no batch."""
        if self.proof(version_id) is not None:
            return True
        return all(self.seen_by(number).proof(version_id) is not None for number in range(accounts))

    def proof(self, version_id: str) -> Evidence | None:
        """Return how a version's password was proved, if the proof is still valid.

        The proof is valid if the version is current. It is also valid if the version that is current now was current
        when the latest run for this version began, since no other value can have been put into the secret since then.
        It is not valid for a version that was current before: an operator who makes its predecessor current again may
        have reset the account to that password, too.
        """
        version = self.version(version_id)
        if version.id == self.current_id:
            return version.proof
        return version.proof if self.is_based_on_current(version) and PREVIOUS not in version.stages else None

    def counts_since(self, now: float, lockout: Lockout) -> float:
        """Return the epoch from which on wrong logins count: within the rule's window, or since one was accepted."""
        accepted = [
            each.intents[-1].sent for each in self.versions.values() if each.proof is Evidence.LOGIN and each.intents
        ]
        return min(now - lockout.window_seconds, max([now - lockout.counts_seconds, *accepted]))

    def is_based_on_current(self, version: Version) -> bool:
        """Return whether the current version was already current when the latest run for a version began.

        A current version that was made of this one, which the intent of the former names, counts likewise: see
        ``engine.batch.in_part``.
        """
        if not version.intents or self.current_id is None:
            return False
        made_of = {each.run for each in self.version(self.current_id).intents}
        return version.intents[-1].base == self.current_id[-8:] or run_name(version.id[-8:]) in made_of

    def wrong_logins(self, *, since: float, but: str = "") -> tuple[int, float]:
        """Return how many wrong logins there may have been since an epoch, and when the latest was.

        These are the charges of all versions, and one for each run that may have died before it wrote down a wrong
        login: see ``implied``. The run of the holder ``but`` does not count, since it knows what it has written down.
        """
        charges = [each for version in self.versions.values() for each in version.charges.values()]
        bases = {version.intents[-1].base for version in self.versions.values() if version.proof and version.intents}
        tried = [
            (1, each.until)
            for version in self.versions.values()
            if version.id[-8:] not in bases and not version.proofs  # else its proof has moved on, or a batch's is there
            for each in implied(version, but)
        ]
        return total(each for each in [*charges, *tried] if each[1] > since)


def implied(version: Version, but: str = "") -> list[Intent]:
    """Return the intents that stand for one wrong login each: those of runs that neither ended in order nor proved it.

    The holder of the lease writes a wrong login down after it happened, before it tries another password; so at most
    one is missing. A former current version was proved, and its proof has moved on, so its intent does not count.
    """
    if version.proof is not None or PREVIOUS in version.stages:
        return []
    return [each for each in version.intents_of_others(but) if each.until]
