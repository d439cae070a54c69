"""Two algorithms written from their published descriptions, to be run over the same faults.

* ``generate_change_save``: generate in memory, change, log in, save; each attempt with a new value. So described in
  Infisical's rotation v2 (backend sources, read 2026-11) and in the generic advice of most how-to pages.
* ``write_ahead``: write the new value to a log, change, save, drop the log entry; an entry found at the start is sent
  again, and dropped when that fails. So described for static roles in HashiCorp Vault since 1.18 (pull request 28989)
  and in its LDAP plugin (pull request 125). Neither logs in.

Both wait for as long as the vendor declares, and keep their values in one small table of a database: ``Shelf``. They
run on the same vendor accounts and ports. Stopped machines are left out, since neither switches one, and so are a
second delivery of an event and a cancelled rotation, since both are called from one queue.
"""

from __future__ import annotations

from rotation.core.errors import LoginRejected, RotationError
from rotation.core.secret import Secret
from rotation.core.values import Task, Verdict
from rotation.drivers.contract import Verifies
from rotation_testkit.fault_lab.in_memory.driver import MemoryAccount
from rotation_testkit.fault_lab.in_memory.effects import Effect, Passage, Port
from rotation_testkit.fault_lab.matrix.worlds.account import FIRST, USERNAME
from rotation_testkit.fault_lab.matrix.worlds.algorithm import Algorithm, Place, Run, Saved

_TASK_SECONDS = 50
ACCOUNT = MemoryAccount(username=USERNAME)


class Shelf(Place):
    """``Place``: rows by name; the row ``current`` is what readers get."""

    def __init__(self) -> None:
        self._rows: dict[str, str] = {"current": FIRST.reveal()}

    def read(self, row: str, passage: Passage) -> Secret | None:
        """Return a row."""
        text = passage.call(Effect(port=Port.READ, verb="read", target=row), lambda: self._rows.get(row))
        return None if text is None else Secret(text)

    def write(self, row: str, value: Secret, passage: Passage) -> None:
        """Write a row."""
        request = ("write", row, value.reveal())
        effect = Effect(
            port=Port.PUT, verb="write", target=row, late=lambda: ("store", *request), shown=row == "current"
        )
        passage.call(effect, lambda: self.deliver(request))

    def drop(self, row: str, passage: Passage) -> None:
        """Delete a row."""
        request = ("drop", row)
        effect = Effect(port=Port.PUT, verb="drop", target=row, late=lambda: ("store", *request))
        passage.call(effect, lambda: self.deliver(request))

    def current(self) -> Secret:
        """See ``Place``."""
        return Secret(self._rows["current"])

    def stored(self) -> list[Secret]:
        """See ``Place``."""
        return [Secret(text) for text in self._rows.values()]

    def save(self) -> Saved:
        """See ``Place``."""
        return tuple(sorted(self._rows.items()))

    def load(self, saved: Saved) -> None:
        """See ``Place``."""
        self._rows = dict(saved)

    def deliver(self, request: tuple[str, ...]) -> None:
        """See ``Place``."""
        if request[0] == "write":
            self._rows[request[1]] = request[2]
        else:
            self._rows.pop(request[1], None)


class Reference(Algorithm):
    """What both share: one invocation is one attempt, and only ``Shelf`` remembers."""

    def __init__(self) -> None:
        self._shelf = Shelf()

    @property
    def place(self) -> Shelf:
        """See ``Algorithm``."""
        return self._shelf


class GenerateChangeSave(Reference):
    """Generate in memory, change, log in, save."""

    name = "generate_change_save"

    def run(self, run: Run, step: int) -> None:
        """See ``Algorithm``."""
        del step
        gate, driver = run.gate, run.account.driver(run.gate)
        current = self.place.read("current", gate)
        new = _drawn(run)
        _wait(run, driver.set_password(ACCOUNT, new, current=current))
        if isinstance(driver, Verifies) and driver.verify(ACCOUNT, new) is Verdict.REJECTED:
            raise LoginRejected("the new value does not work")
        self.place.write("current", new, gate)


class WriteAhead(Reference):
    """Write the log, change, save, drop the entry; an entry whose repetition fails is dropped."""

    name = "write_ahead"

    def run(self, run: Run, step: int) -> None:
        """See ``Algorithm``."""
        del step
        gate, driver = run.gate, run.account.driver(run.gate)
        current = self.place.read("current", gate)
        logged = self.place.read("log", gate)
        new = logged
        if new is None:
            new = _drawn(run)
            self.place.write("log", new, gate)
        try:
            _wait(run, driver.set_password(ACCOUNT, new, current=current))
        except RotationError:
            if logged is not None:
                self.place.drop("log", gate)
            raise
        self.place.write("current", new, gate)
        self.place.drop("log", gate)


def _wait(run: Run, task: Task | None) -> None:
    """Wait as long as the vendor's documents say: for the task to end, or until the password works."""
    seconds = _TASK_SECONDS if task is not None else run.account.spec.propagation_seconds
    if seconds:
        effect = Effect(port=Port.SLEEP, verb="sleep", target=f"{seconds}")
        run.gate.call(effect, lambda: run.clock.sleep(seconds))


def _drawn(run: Run) -> Secret:
    return next(iter(run.account.spec.policies.values())).generate()


REFERENCES: dict[str, type[Reference]] = {each.name: each for each in (GenerateChangeSave, WriteAhead)}
