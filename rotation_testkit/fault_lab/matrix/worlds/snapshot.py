"""What a run of the matrix has seen, as the invariants read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core.values import Step
from rotation.state.versions import SecretState
from rotation_testkit.fault_lab.matrix.worlds.rigs import Rig


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands in the store at one moment: the labels, the passwords of labelled versions, and readers' own."""

    state: SecretState
    values: Mapping[str, str]
    stored: frozenset[str]
    current: str | None

    @classmethod
    def of(cls, rig: Rig) -> Seen:
        """Look past the gate."""
        state, current = rig.state(), rig.current()
        found = ((version_id, rig.value(version_id)) for version_id in state.versions)
        values = {version_id: value.reveal() for version_id, value in found if value is not None}
        return cls(state, values, frozenset(values.values()), None if current is None else current.reveal())


STEPS = tuple(Step)
