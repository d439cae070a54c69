"""Two accounts that take turns: each rotation resets the one that readers do not have, proves it, and switches.

A password that is reset is dead for every reader that still holds it, until the reader asks again. Where a secret names
two accounts of one target, no reader ever holds a dead password: what it got stays good until the next rotation but one
begins.

Example. Directory users ``app-a`` and ``app-b`` may do the same. The secret's first value (version ``v1``) is::

    {"driver": "volcengine_cloudidentity", "username": "app-a", "user_id": "u-1", "password": "a1",
     "alternate_username": "app-b", "alternate_user_id": "u-2"}

    createSecret  ``document.turned`` exchanges both accounts: the candidate ``v2`` names app-b, with app-a as its
                  alternate, and has the new password b1. The password that app-b has now is neither known nor needed.
    setSecret     resets app-b with the admin credential, and proves b1 by a login as app-b. Readers have app-a with a1.
    finishSecret  makes ``v2`` current: readers get app-b with b1. app-a keeps a1, which is AWSPREVIOUS from now on.
    next time     the turn is app-a's: v3 is app-a with a2, while readers have app-b with b1. From the reset on, what
                  AWSPREVIOUS holds is dead, so a reader has one whole rotation to ask again.

A document names one account with its password, as always, so the four steps, the table of reconciliation, the marks and
the proof are the same. Only three things know of turns:

* **Whose turn it is.** createSecret turns current's document, and ``Session.bind_pair`` holds a candidate against the
  turned document before every reset and every commit. So a reset never goes to the account that current names, also
  where an operator has made another version current in the middle of a rotation: that one ends in ``IdentityChanged``.
* **Who may be named.** The binding is over both accounts, whichever is current, so who may write the value cannot
  choose an alternate. Both share every key but those of ``DriverSpec.alternates``: one target, address and host key.
* **What "live" means.** Current and a proved candidate are both live, each for its account. The doctor asks each
  version's account, and prefers the candidate; no error says that readers hold a dead password.

Labels do not say which account a wrong login or a reset was of. So one budget of wrong logins, one minimum age and one
waiting time hold for both: more careful than the vendor, and never less.

``require`` refuses the rest before anything is called: a driver without alternates, and one that needs the old
password, as a driver with two ways does where the deployment has no key. AWSPREVIOUS may hold that of the other
account, but an operator's edit of the value makes it the current account's, and then nothing could be reset any more. A
record has no alternates if the API resets one account only, if both would share a machine's stop and start, or if wrong
logins may count in a row: a right login of the other account would seem to end the count. In a batch none takes turns,
and Vault's static roles name one account.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from rotation.core.document import ALTERNATE, SecretDocument, takes_turns, turned
from rotation.core.errors import SettingsError, Withheld
from rotation.core.values import Authority
from rotation.drivers.contract import DriverSpec
from rotation.engine.identity.named import Named

_WHERE = "secret"
_NOT_BEHIND = ("driver", "password", "lockstep")


def named_with_other(document: SecretDocument, name: Callable[[SecretDocument], Named]) -> Named:
    """Return the account that a document names, with the one that takes turns with it; ``name`` returns one alone.

    Raises:
        SettingsError: the document names a second account, and must not, or not this way.
        RotationError: ``name``'s own.
    """
    named = name(document)
    require(named.spec, document)
    if not takes_turns(document):
        return named
    with Withheld(SettingsError, by=_of_the_other):
        return dataclasses.replace(named, other=name(turned(document)))


def require(spec: DriverSpec, document: SecretDocument) -> None:
    """Refuse a second account that the driver cannot reset, or that is not named as it must be.

    Raises:
        SettingsError: lists every fault, and never a value.
    """
    if takes_turns(document) and (spec.authority is Authority.SELF or not spec.alternates):
        with_key = bool(spec.alternates) and spec.admin_resets
        why = "unless the deployment has an API key" if with_key else "whose record has no alternates"
        key = f"Set LOCKSTEP_{spec.code.upper()}_ADMIN_SECRET, or take" if with_key else "Take"
        raise SettingsError(
            _WHERE,
            (f"alternate_username is not possible with {spec.code}, {why}",),
            hint=f"{key} the keys that begin with `alternate_` out of the value: this account is rotated in place.",
        )
    faults = tuple(_faults(spec, document))
    if faults:
        raise SettingsError(_WHERE, faults)


def _faults(spec: DriverSpec, document: SecretDocument) -> Iterator[str]:
    fields = {each.name: each for each in dataclasses.fields(spec.account)}
    behind = [name for name in fields if f"{ALTERNATE}{name}" in document]
    if not takes_turns(document):
        yield from (f"{ALTERNATE}{name} needs {ALTERNATE}username" for name in behind)
        return
    yield from (f"{ALTERNATE}{name} is not used; take it out" for name in _NOT_BEHIND if ALTERNATE + name in document)
    yield from (
        f"{ALTERNATE}{name} is not possible: both accounts share {name}"
        for name in behind
        if name not in spec.alternates
    )
    for name in sorted(spec.alternates):
        other = f"{ALTERNATE}{name}"
        if (name in document) != (other in document):
            yield f"{name} and {other} must both be there, or neither"
        elif fields[name].default is dataclasses.MISSING and _same(document.get(name), document.get(other)):
            yield f"{other} must differ from {name}"


def _same(one: object, other: object) -> bool:
    return str(one).casefold() == str(other).casefold()


def _of_the_other(error: SettingsError) -> SettingsError:
    return SettingsError(error.where, tuple(f"the alternate account's {fault}" for fault in error.faults))
