"""The store's content at one moment, as the invariants read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core.secret import Secret
from rotation.core.values import Step
from rotation.state.versions import SecretState
from rotation_testkit.fault_lab.matrix.worlds.backends import Backend


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The labels, the passwords of labelled versions, and the password that readers get."""

    state: SecretState
    values: Mapping[str, str]
    stored: frozenset[str]
    current: str | None

    @classmethod
    def of(cls, backend: Backend) -> Snapshot:
        """Return the store's content, read without going through the gate."""
        state, current = backend.state(), backend.current()
        found = ((version_id, backend.value(version_id)) for version_id in state.versions)
        values = {version_id: value.reveal() for version_id, value in found if value is not None}
        return cls(state, values, frozenset(values.values()), None if current is None else current.reveal())

    def holds(self, password: Secret) -> bool:
        """Return whether a labelled version has this password."""
        return password.reveal() in self.stored


STEPS = tuple(Step)
"""The four steps, in order."""
