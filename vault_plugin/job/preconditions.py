"""What must hold before the vendor is called: one list for the rotation, which raises, and its dry run, which reports.

Each of these would otherwise be noticed after the reset, when readers hold a dead password already: a token that may
read the secret and not write it, a mirror that does not exist.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from rotation.state.store import Store
from rotation.stores.vault_kv import JOURNAL_SUFFIX, Kv


@runtime_checkable
class HasMirror(Protocol):
    """A store whose values go to a second store, too."""

    def require_mirror(self) -> None:
        """Raise unless the second store exists and may be written for this one."""
        ...


@dataclass(frozen=True, slots=True)
class Precondition:
    """One of them.

    Attributes:
        name: one word, as in the dry run's output.
        holds: the sentence for one that holds.
        require: raises a ``RotationError`` if it does not hold, and changes nothing.
    """

    name: str
    holds: str
    require: Callable[[], None]


def preconditions(kv: Kv, path: str, store: Store) -> tuple[Precondition, ...]:
    """Return the preconditions of a rotation, in their order.

    Args:
        kv: the mount.
        path: of the secret.
        store: of the secret, with whatever is wrapped around it.
    """
    found = [Precondition("store_write", "the secret may be written", partial(kv.require_write, path))]
    if isinstance(store, HasMirror):
        found.append(Precondition("mirror", "the mirror is there and names this secret", store.require_mirror))
    return tuple(found)


def require_write(kv: Kv, path: str) -> None:
    """Raise unless the secret and its journal may be written. Nothing is changed.

    A rotation asks for the secret alone: it writes the journal itself before it calls the vendor.

    Raises:
        StoreError: one of them may not be written; the message names it.
    """
    for each in (path, path + JOURNAL_SUFFIX):
        kv.require_write(each)
