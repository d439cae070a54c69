"""Seals candidates: a text in a version's value that only the holder of a key can have made.

Who may write a secret's value can put a version with a password of their own under AWSPENDING. Such a version has no
seal, since the key is in another secret, which only the rotation reads. The seal covers everything that createSecret
stages: the secret's ARN, the version's id, which is the rotation's token, and the whole document, with the passwords,
the driver and the account of each entry. So a seal that was copied from another version or secret does not hold.

Example: createSecret of token ``7f3a…`` stages ``{"driver": …, "password": …, "lockstep": "power=running
seal=1:5f0c…"}``. setSecret reads that version, computes the seal again, and continues only if it is the same.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rotation.core import settings
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret

_DOMAIN = "lockstep candidate seal 1"
_PREFIX = "1:"
_DIGITS = 32
"""Of the seal, in hexadecimal: 128 bits."""
_LONG = settings.matches(r"[!-~]{32,1024}", "must be 32 to 1024 printable ASCII characters without blanks")
_NONE = Secret("")


@dataclass(frozen=True, slots=True, kw_only=True)
class SealKeys:
    """The keys of seals, from the secret that the deployment names."""

    key: Secret = settings.setting("Makes and checks seals.", check=_LONG)  # noqa: RUF009 - declares a field
    previous: Secret = settings.setting(  # noqa: RUF009 - as above
        "The key before this one, whose seals still hold.", check=_LONG, default=_NONE
    )

    def __iter__(self) -> Iterator[Secret]:
        """Yield the keys whose seals hold, the one that makes them first."""
        yield from filter(None, (self.key, self.previous))


@dataclass(frozen=True, slots=True)
class Seal:
    """Makes and checks seals.

    Attributes:
        keys: returns the keys; asked when a seal is made or checked, and never before.
    """

    keys: Callable[[], SealKeys]

    def put_on(self, document: SecretDocument, *, arn: str, version_id: str) -> SecretDocument:
        """Return the document with its seal, in place of any other."""
        made = _made(self.keys().key, document, arn, version_id)
        return document.noting(replace(document.notes, seal=made))

    def holds(self, document: SecretDocument, *, arn: str, version_id: str) -> bool:
        """Return whether the document is what was sealed under this version of this secret."""
        found = document.notes.seal
        if found is None:
            return False
        made = (_made(key, document, arn, version_id) for key in self.keys())
        return any(hmac.compare_digest(each.encode(), found.encode()) for each in made)


def _made(key: Secret, document: SecretDocument, arn: str, version_id: str) -> str:
    bare = document.noting(replace(document.notes, seal=None))
    said = json.dumps([_DOMAIN, arn, version_id, bare.dump().reveal()]).encode()
    return _PREFIX + hmac.digest(key.reveal().encode(), said, "sha256").hex()[:_DIGITS]
