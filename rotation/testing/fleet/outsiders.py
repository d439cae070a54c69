"""What people and other machines do to an account and its secret, beside Lockstep."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rotation.machine import CURRENT, PENDING, PREVIOUS
from rotation.model import Evidence
from rotation.secret import Secret, SecretDocument
from rotation.testing.fleet.gate import Action
from rotation.testing.fleet.kinds import POLICIES
from rotation.testing.fleet.member import Member


def console(member: Member, action: Action) -> None:
    """Set another password at the vendor's console; ``put`` also puts it into the secret."""
    member.vendor.set_by_hand(Secret(member.fleet.new_password()))
    if action.get("put"):
        put_live(member)


def put_live(member: Member) -> None:
    """Put the live password into the secret as a new version; the service then takes the rotation for abandoned."""
    current = member.secret.read(str(member.secret.holder(CURRENT)))
    document = {} if current is None else dict(current.document)
    document.pop("lockstep", None)
    document["password"] = member.vendor.live.reveal()
    member.secret.put(member.next_id("by-hand"), SecretDocument(document), CURRENT)
    cancel(member, {"strip": True})


def restore(member: Member, action: Action) -> None:
    """Make an old version current, as after restoring the secret from a backup."""
    known = [each for each in member.secret.version_ids if each in member.secret.passwords]
    member.secret.restore(known[-1 - int(action.get("back", 1)) % len(known)])


def snapshot(member: Member, action: Action) -> None:
    """Bring an old password back at the vendor, as restoring a machine's snapshot does."""
    former = member.vendor.former(int(action.get("back", 1)))
    if former is not None:
        member.vendor.set_by_hand(former)


def policy(member: Member, action: Action) -> None:
    """Change the vendor's password rule, and with it the driver's record."""
    member.vendor.policy = POLICIES[int(action.get("to", 1)) % len(POLICIES)]
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
            member.watch.stripped.add(version_id)
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
    """Let the account's human user mistype his password."""
    member.vendor.guess_wrong(int(action.get("times", 1)))


def fail_tasks(member: Member, action: Action) -> None:
    """Let the vendor's tasks fail after its yes, or end well again; not where nothing but its yes can be known."""
    if member.vendor.asynchronous or member.kind.proof is not Evidence.ACCEPTED:
        member.vendor.task_fails = bool(action.get("yes", True))


ACTIONS: Mapping[str, Callable[[Member, Action], None]] = {
    "console": console,
    "restore": restore,
    "snapshot": snapshot,
    "policy": policy,
    "strip": strip,
    "cancel": cancel,
    "enable": enable,
    "typos": typos,
    "fail-tasks": fail_tasks,
}
