"""What a commit writes: current's document as it is now, and from the candidate the rotation's own keys alone."""

from __future__ import annotations

from rotation.core.errors import StageConflict
from rotation.core.secret import SecretDocument
from rotation.engine.batch.member_store import list_key

_OWN = ("password", "lockstep")


def with_passwords_of(candidate: SecretDocument, current: SecretDocument) -> SecretDocument:
    """Return current's document with the candidate's password and bookkeeping; of a batch with those of each account.

    Accounts of a batch are matched by their places. That both documents name the same ones, the engine has made sure
    of; it names the version of current that it has compared.

    Raises:
        StageConflict: one of them holds a batch and the other does not, or the lists are not of one length.
        SecretDocumentError: there is no password to take.
    """
    key = list_key(candidate)
    if key != list_key(current):
        raise StageConflict("the candidate and the current version list their accounts differently")
    if key is None:
        candidate.text("password")
        return current.replaced(**_own(candidate))
    proved, there = candidate[key], current[key]
    if not isinstance(proved, list) or not isinstance(there, list) or len(proved) != len(there):
        raise StageConflict(f"the candidate and the current version hold different {key}")
    entries = [{**now, **_own(new)} for now, new in zip(there, proved, strict=True)]
    return current.replaced(**_own(candidate), **{key: entries})


def _own(fields: SecretDocument | dict[str, object]) -> dict[str, object]:
    return {name: fields[name] for name in _OWN if name in fields}
