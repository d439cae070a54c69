"""``--on-commit``: a command that is run after passwords have become current, to restart what uses them.

It is run without a shell, with the secrets' ids in its environment, and has a minute. What it does changes no exit
code: the rotation is done. Commits of one run are gathered: the command is run once at the end, and in a long run at
most a minute after the first commit that it has not been given, or when an environment has no room for more ids. A run
that is stopped names the secrets for which it was not run. One that is killed between commit and command names
none, and no later run makes up for it: a note of that would be two more writes of each rotation. The event
``committed`` is repeated until its target has taken it. Example, of ten secrets rotated in forty seconds::

    lockstep vault run --prefix shop --on-commit 'systemctl reload shop'     runs ``systemctl reload shop`` once
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated

import typer

from rotation.cli.exit_codes import CommandUsageError
from rotation.cli.output import note
from rotation.core.clock import Clock, SystemClock
from rotation.core.process import stop
from rotation.core.scrub import printable

VARIABLE = "ROTATED_SECRETS"
"""Not one of ``LOCKSTEP_*``, which a command that is Lockstep itself would refuse as unknown."""
_MOST_BYTES = 65_536
"""Of ids for one command. Linux takes 128 KiB in one variable, and other people choose the names."""
SECONDS = 60.0
"""For the command to end, and the longest that commits are gathered."""

OnCommitCommand = Annotated[
    str,
    typer.Option(
        "--on-commit",
        metavar="COMMAND",
        help="Run this command once the new passwords are current. No shell runs it. Its variable ROTATED_SECRETS has "
        "the secrets' ids, one per line. It may take a minute; its failure does not fail the rotation. If this process "
        "is killed first, no later run runs it. The event `committed` is repeated until every target has taken it.",
    ),
]


@dataclass(slots=True)
class OnCommit:
    """The command of one run; without one nothing is run."""

    argv: tuple[str, ...]
    clock: Clock = field(default_factory=SystemClock)
    seconds: float = SECONDS
    _ids: list[str] = field(default_factory=list)
    _since: float = 0.0

    @classmethod
    def of(cls, command: str) -> OnCommit:
        """Return what runs a command; it is checked now, before anything is rotated.

        Raises:
            CommandUsageError: it cannot be split into words, or there is no such program.
        """
        try:
            argv = tuple(shlex.split(command))
        except ValueError:
            raise CommandUsageError("--on-commit: a quotation mark is not closed") from None
        if argv and shutil.which(argv[0]) is None:
            raise CommandUsageError("--on-commit: there is no such program, or it may not be executed")
        return cls(argv)

    def committed(self, secret_id: str) -> None:
        """Note a commit; run the command if the first one has waited for long, or if no other id fits."""
        if not self.argv:
            return
        if sum(len(each.encode()) + 1 for each in (*self._ids, secret_id)) > _MOST_BYTES:
            self.run()
        self._since = self._since if self._ids else self.clock.now()
        self._ids.append(secret_id)
        if self.clock.now() - self._since >= SECONDS:
            self.run()

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Run the command at the end of the block; say for which commits it was not run if the process must stop."""
        try:
            yield
            self.run()
        except stop.Halted:
            self.missed()
            raise

    def missed(self) -> None:
        """Say for which commits the command was not run, if there are any, since the process must stop."""
        if self._ids:
            note(f"--on-commit was not run for {', '.join(map(printable, self._ids))}; what uses them needs it")

    def run(self) -> None:
        """Run the command for the commits that it has not been given, if there are any.

        Raises:
            Halted: the process must stop at once; the command continues by itself, which is said.
        """
        ids, self._ids = self._ids, []
        if not ids:
            return
        with stop.work():  # the first signal lets the command end
            self._run(ids)

    def _run(self, ids: list[str]) -> None:
        try:
            child = subprocess.Popen(  # noqa: S603 - the operator's own command, without a shell
                self.argv,
                env={**os.environ, VARIABLE: "\n".join(ids)},
                stdin=subprocess.DEVNULL,
                stdout=2,  # standard output is for what the rotation says, which may be JSON
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # a ValueError for a name that no variable can hold
            note(f"--on-commit could not be run: {getattr(error, 'strerror', None) or type(error).__name__}")
            return
        try:
            code = child.wait(self.seconds)
        except subprocess.TimeoutExpired:
            with suppress(OSError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            note(f"--on-commit was stopped after {self.seconds:.0f} seconds")
            return
        except stop.Halted:
            note("the rotations are done; --on-commit has not ended, and continues by itself")
            raise
        if code:
            note(f"--on-commit ended with {code}; the rotation is done all the same")
