"""Virtual time, and the requests that arrive late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

START = 1_700_000_000.0
Late = tuple[float, str, tuple[str, ...]]
"""Epoch of arrival, whom it reaches (``store`` or ``vendor``), and the request as texts."""


@dataclass(slots=True)
class Timeline:
    """A clock that moves only when told to; on its way, late requests arrive.

    Attributes:
        late: what is still underway, in the order in which it was sent.
        deliver: hands one late request over, given whom it reaches and its texts.
    """

    time: float = START
    late: tuple[Late, ...] = ()
    deliver: Callable[[str, tuple[str, ...]], None] = field(default=lambda _whom, _request: None)

    def now(self) -> float:
        """Return epoch seconds."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.move_to(self.time + seconds)

    def move_to(self, moment: float) -> None:
        """Move on to an epoch; a past one changes nothing."""
        while due := [each for each in self.late if each[0] <= moment]:
            first = min(due, key=lambda each: each[0])
            position = self.late.index(first)
            self.late = self.late[:position] + self.late[position + 1 :]
            self.time = max(self.time, first[0])
            self.deliver(first[1], first[2])
        self.time = max(self.time, moment)
