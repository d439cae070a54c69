"""Counts labels, which are few: how many there are, what a rotation needs, and which may be removed before it begins.

A secret has at most ``MOST_LABELS`` over all its versions, including the operator's own. ``marks.Kind`` says what each
of ours means. When a rotation is over, its marks expire

* at once, if they count or list failures (``failed``, ``learnt``);
* at the time that they name, if they park;
* once the account's lock-out window has passed, if they charge a wrong login;
* if they are the intent of a dead run, once it stands for no wrong login any more and a later one stands beside it;
* if they are a proof, once it does not hold any more and no wrong login of its runs counts;
* never, if they are the latest intent, a task or a yes, since a password that may be live must stay recorded.

Example. A secret has 12 labels beside those of the rotation that begins now, which needs ``NEEDED_LABELS`` = 10. That
makes 22, so ``make_room`` removes the expired ones: ``failed:2``, ``parked:back_off:<past>`` and
``rejected:1:<last week>`` on a cancelled version. That leaves 19 in all, and the rotation begins. If too few can be
removed, it ends in ``StoreFull``.

A batch packs the marks of each account into one label while it runs. Once its version is no longer pending,
``condense`` replaces these labels by at most two marks for all accounts.
"""

from __future__ import annotations

from math import inf

from rotation.core.errors import ConfigError, StoreFull
from rotation.state import marks
from rotation.state.lease import CLOCK_MARGIN, leases
from rotation.state.marks import Kind, Mark
from rotation.state.parking import known
from rotation.state.stages import CURRENT, PENDING, STAGES
from rotation.state.store import Notes, Store, replace_marks
from rotation.state.versions import SecretState, Version

MOST_LABELS = 20
"""Across all versions of a secret (not for each version), by AWS's quotas page. A journal has the same limit."""
NEEDED_LABELS = 10
"""Of one account's rotation, at its peak: the lease, this run's intent, its form after the run has ended, an earlier
run's intent, task or yes, charge, parking, count of failures, what logins found, proof. Of these a clean rotation
writes one that the former has not left: its intent."""
_PASSING = 5
"""Of a batch: the lease, the intents of the current version, of an earlier run and of this one, and a label that is
being replaced."""
_KEPT = 6
"""On the current version three charges; on one whose rotation was cancelled its intent, a charge and a parking."""
MOST_MEMBERS = MOST_LABELS - len(STAGES) - _PASSING - _KEPT
"""One label for each account, its proof or what is unusual about it: a batch of this size can always be rotated."""


def condensed(version: Version, *, current: bool) -> list[Mark]:
    """Return what later rotations need to know of a version's accounts: at most two marks for any number of accounts.

    One mark holds the highest number of wrong logins that any account has. The other, on a version that is not current,
    says until when no account may be touched. Labels that an earlier release packed are included.
    """
    members = [version.seen_by(number) for number in version.members]
    packed = [mark for notes in version.members.values() for mark in notes if mark.kind is Kind.INTENT]
    kept = [max(packed, key=marks.intended)] if packed else []
    count = max((member.rejected[0] for member in members), default=0)
    kept += [marks.rejected(count, max(member.rejected[1] for member in members))] if count else []
    parked = [member.parked for member in members if member.parked is not None]
    locks = [each for each in parked if (parking := known(each[0])) is not None and parking.account_wide]
    return kept if current or not locks else [*kept, marks.parked(*max(locks, key=lambda each: each[1]))]


def condense(notes: Notes, version: Version | None, *, current: bool) -> None:
    """Replace the accounts' labels by their condensed marks, once a version is no longer pending."""
    packed = [] if version is None else version.all(Kind.MEMBER)
    if version is not None and packed:
        replace_marks(notes, version.id, condensed(version, current=current), packed)


def settle(store: Store, token: str) -> None:
    """Condense and remove labels after the promotion of a batch."""
    store.settle(token)
    condense(store, store.describe().versions.get(token), current=True)


def free_for_batch(notes: Notes, state: SecretState, token: str, size: int) -> None:
    """Remove the proofs from the current version if a batch would find too few labels; else they are moved later."""
    current = state.version(state.current_id or "")
    if len(_beside(state, token)) + _PASSING + size > MOST_LABELS:
        for mark in current.all(Kind.PROOF):
            notes.unmark(current.id, mark)


def make_room(notes: Notes, state: SecretState, token: str, now: float, window: float) -> None:
    """Make sure, before anything is sent, that one account's rotation finds a label whenever it needs one.

    If labels are short, the expired marks of cancelled rotations and of the current version are removed. Marks of a
    candidate that may be live stay, and so do wrong logins within ``window``, the account's lock-out window in seconds.

    Raises:
        StoreFull: too many are in use even so; nothing was sent.
    """
    if _used(state, token, frozenset()) + NEEDED_LABELS <= MOST_LABELS:
        return
    free(notes, state, token, now, window)
    require_labels(notes.describe(), token, now, window)


def free(notes: Notes, state: SecretState, token: str, now: float, window: float) -> None:
    """Remove the expired marks from every version but the token's."""
    for version, mark in _spent(state, token, now, window):
        notes.unmark(version.id, mark)


def require_labels(state: SecretState, token: str, now: float, window: float) -> None:
    """Make sure that one account's rotation finds enough labels once the expired ones are removed.

    Raises:
        StoreFull: too many remain.
    """
    spent = frozenset(mark.on(version.id) for version, mark in _spent(state, token, now, window))
    used = _used(state, token, spent)
    lacking = used + NEEDED_LABELS - MOST_LABELS
    if lacking > 0:
        over = _over(state, token)
        ends = sorted(
            end for each in over for mark in each.marks if now < (end := _end(state, each, mark, window)) < inf
        )
        raise StoreFull(
            f"{used} labels are in use beside this rotation's, which may need {NEEDED_LABELS} of its own",
            not_before=ends[lacking - 1] if len(ends) >= lacking else None,
        )


def _used(state: SecretState, token: str, spent: frozenset[str]) -> int:
    """Return how many labels stay beside the token's own. One lease does not count: it is moved, or replaced."""
    leased = any(version_id != token for version_id in leases(state).values())
    return len(_beside(state, token) - spent) - leased


def _beside(state: SecretState, token: str) -> frozenset[str]:
    return STAGES.union(*(version.labels for version in state.versions.values() if version.id != token))


def _over(state: SecretState, token: str) -> list[Version]:
    """Return the versions whose rotation is over. The pending stage on a current version is a left-over."""
    return [
        version
        for version in state.versions.values()
        if version.id != token and (PENDING not in version.stages or CURRENT in version.stages)
    ]


def _spent(state: SecretState, token: str, now: float, window: float) -> list[tuple[Version, Mark]]:
    over = _over(state, token)
    return [
        (version, mark)
        for version in over
        for mark in sorted(version.marks)
        if _end(state, version, mark, window) <= now
    ]


def _end(state: SecretState, version: Version, mark: Mark, window: float) -> float:
    """Return when a mark of a version whose rotation is over expires, in epoch seconds."""
    counts = {each.mark: each.until + CLOCK_MARGIN + window for each in version.intents[:-1]}
    if mark.kind is Kind.INTENT:
        return counts.get(mark, inf)
    if mark.kind is Kind.PROOF:
        holds = version.id in (state.current_id, state.previous_id) or state.proof(version.id) is not None
        known = version.intents and not version.proofs and not holds
        return max(each.until for each in version.intents) + CLOCK_MARGIN + window if known else inf
    if mark.kind in (Kind.REJECTED, Kind.PARKED):
        return marks.latest_in(mark) + (window if mark.kind is Kind.REJECTED else 0)
    return 0.0 if mark.kind in (Kind.FAILED, Kind.LEARNT) else inf


def require_size(size: int) -> None:
    """Refuse a batch of more accounts than a secret has labels for.

    Raises:
        ConfigError: says how many accounts fit.
    """
    if size > MOST_MEMBERS:
        raise ConfigError(
            f"the secret holds a batch of {size}, but {MOST_MEMBERS} is the most whose progress can be kept",
            hint=f"Spread them over several secrets: Secrets Manager keeps {MOST_LABELS} staging labels of a secret.",
        )


def require_room(state: SecretState, token: str, size: int, now: float, window: float) -> None:
    """Refuse a batch whose marks might not fit once its setSecret has made room, before anything changes.

    Raises:
        ConfigError: says how many accounts fit.
    """
    require_size(size)
    others = [version for version in state.versions.values() if version.id != token]
    stages = STAGES.union(*(version.stages for version in state.versions.values()))
    noted = sum(
        len(condensed(each, current=each.id == state.current_id))
        + sum(mark.kind not in (Kind.MEMBER, Kind.PROOF, Kind.INTENT) for mark in each.marks)
        + (each.id != state.current_id and bool(each.intents))
        for each in others
    ) - len(_spent(state, token, now, window))
    most = MOST_LABELS - len(stages) - noted - _PASSING
    if size > most:
        raise ConfigError(
            f"the secret's staging labels leave room for a batch of {max(most, 0)}, not of {size}",
            hint="Remove labels of your own, and the `lockstep:` labels of versions whose rotation was cancelled "
            "once no account has their passwords any more; or spread the batch over several secrets.",
        )
