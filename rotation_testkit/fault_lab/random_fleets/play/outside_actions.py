"""What people and other machines do to an account and its secret, outside Lockstep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from rotation.core.errors import DriverError, StageConflict, StoreFull
from rotation.core.secret import Secret
from rotation.core.values import Evidence
from rotation.state import lease, marks
from rotation.state.stages import CURRENT, PENDING, PREVIOUS
from rotation_testkit.fault_lab.in_memory.vendor_classes import FLEET_POLICIES
from rotation_testkit.fault_lab.random_fleets.play.member import Member
from rotation_testkit.fault_lab.random_fleets.play.surroundings import Action
from rotation_testkit.fault_lab.random_fleets.play.vendor import FleetVendor

_LONGEST_FORGERY = int(marks.LONGEST_RUN_SECONDS)
"""Seconds; a time further ahead is not believed, which `tests/rotation/engine/test_run_labels.py` shows."""


def console(member: Member, action: Action) -> None:
    """Set another password at the vendor's console; ``put`` also puts it into the secret."""
    _account(member, action).set_by_hand(Secret(member.fleet.new_password()))
    if action.get("put"):
        put_live(member)


def twin(member: Member, action: Action) -> None:
    """Rotate the same account from another secret that holds it, too (W57), as far as the vendor lets it.

    For this secret, that is an outside change to a password that it does not hold.
    """
    vendor = _account(member, action)
    with suppress(DriverError):
        vendor.change_for_another(Secret(member.fleet.new_password()))


def put_live(member: Member) -> None:
    """Put the live password into the secret as a new version; the service then takes the rotation for abandoned."""
    current = member.secret.read(str(member.secret.holder(CURRENT)))
    document = member.document({} if current is None else current.document)
    member.secret.put(member.next_id("by-hand"), document, CURRENT)
    cancel(member, {"strip": True})


def restore(member: Member, action: Action) -> None:
    """Make an old version current, as after restoring the secret from a backup."""
    known = [each for each in member.secret.version_ids if each in member.secret.passwords]
    version = known[-1 - int(action.get("back", 1)) % len(known)]
    member.secret.restore(version)
    member.planted = [each for each in member.planted if each != member.secret.passwords[version]]


def snapshot(member: Member, action: Action) -> None:
    """Restore an old password at the vendor, as restoring a machine's snapshot does."""
    vendor = _account(member, action)
    former = vendor.former(int(action.get("back", 1)))
    if former is not None:
        vendor.set_by_hand(former)


def policy(member: Member, action: Action) -> None:
    """Change the vendor's password rule, and with it the driver's record."""
    for vendor in member.vendors:
        vendor.policy = FLEET_POLICIES[int(action.get("to", 1)) % len(FLEET_POLICIES)]
    member.describe_vendor()


def strip(member: Member, action: Action) -> None:
    """Take labels off: a stage by name, or every mark, or all of both from one version."""
    what, secret = str(action["what"]), member.secret
    stages = {"pending": PENDING, "previous": PREVIOUS}
    if what in stages:
        holder = secret.holder(stages[what])
        targets = {} if holder is None else {holder: {stages[what]}}
    else:
        version_id = secret.version_ids[-1 - int(action.get("back", 0)) % len(secret.version_ids)]
        labels = secret.labels(version_id)
        targets = {version_id: labels if what == "all" else {each for each in labels if each.startswith("lockstep:")}}
    for version_id, labels in targets.items():
        if any(each.startswith("lockstep:") for each in labels):
            member.monitor.stripped.add(version_id)
        secret.strip(version_id, labels)


def cancel(member: Member, action: Action) -> None:
    """Cancel the rotation; ``strip`` also takes AWSPENDING away, which the service leaves to the caller."""
    member.token = None
    pending = member.secret.holder(PENDING)
    if action.get("strip") and pending is not None:
        member.secret.strip(pending, {PENDING})


def enable(member: Member, action: Action) -> None:
    """Switch rotation on or off."""
    member.secret.rotation_enabled = bool(action.get("yes", True))


def typos(member: Member, action: Action) -> None:
    """Make a wrong login as the account's human user."""
    _account(member, action).guess_wrong(int(action.get("times", 1)))


def fail_tasks(member: Member, action: Action) -> None:
    """Let the vendor's tasks fail after its yes, or end well again; not where nothing but its yes can be known."""
    if member.vendor.asynchronous or member.kind.proof is not Evidence.ACCEPTED:
        for vendor in member.vendors:
            vendor.task_fails = bool(action.get("yes", True))


def plant(member: Member, action: Action) -> None:
    """Put a password of their own under AWSPENDING, as who may write values can, with forged marks if ``sent``.

    Late events then also come for its version.
    """
    secret, current = member.secret, str(member.secret.holder(CURRENT))
    password, planted = member.fleet.new_password(), member.next_id("planted")
    value = secret.read(current)
    shared = {} if value is None else value.document
    member.planted.append(Secret(password))
    secret.put(planted, member.document(shared, password=password), PENDING)
    member.tokens.append(planted)
    if action.get("sent"):
        since = int(member.clock.now())
        secret.attach(marks.intent(since, run="f0f0", base=current).on(planted), planted)
        for label in (marks.proof(Evidence.LOGIN, number).on(planted) for number in _numbers(member)):
            secret.overwrite(label, planted)


def forge(member: Member, action: Action) -> None:
    """Add a label of ours to one of the latest versions, as who may label versions can; a full secret takes none."""
    secret, now = member.secret, member.clock.now()
    target = secret.version_ids[-1 - int(action.get("back", 0)) % len(secret.version_ids)]
    number, seconds = int(action.get("number", 1)), min(int(action.get("seconds", 60)), _LONGEST_FORGERY)
    made = {
        "lease": lease.label(number),
        "intent": marks.intent(now, until=now + seconds, run="f0f0", base=str(secret.holder(CURRENT))).on(target),
        "rejected": marks.rejected(number, now).on(target),
        "parked": marks.parked("rate_limited", now + seconds).on(target),
    }
    with suppress(StageConflict, StoreFull):
        secret.attach(made[str(action["what"])], target)


def _numbers(member: Member) -> list[int | None]:
    return [None] if len(member.vendors) == 1 else list(range(len(member.vendors)))


def _account(member: Member, action: Action) -> FleetVendor:
    """Return whose account it is; ``account`` counts in a batch."""
    return member.vendors[int(action.get("account", 0)) % len(member.vendors)]


ACTIONS: Mapping[str, Callable[[Member, Action], None]] = {
    "console": console,
    "twin": twin,
    "restore": restore,
    "snapshot": snapshot,
    "policy": policy,
    "strip": strip,
    "cancel": cancel,
    "enable": enable,
    "typos": typos,
    "fail-tasks": fail_tasks,
    "plant": plant,
    "forge": forge,
}
