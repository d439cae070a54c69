"""The gap: for how long readers get a password that the vendor no longer takes, in one clean rotation.

It begins when the vendor's account takes the candidate and ends when readers get it. Over AWS it is made of the
service's pauses between the steps, which AWS does not publish: here each pause is a given number of seconds of the
world's shifted clock, and what the function needs itself is real time on top. The stand-in of AWS's template runs
with the same pauses in the same program. The KV job runs its steps without pauses.

``Watch`` compares both sides every two milliseconds of real time, and after each second of a shifted wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.calls import ACCOUNTS, MONTH, Function, function_for, stub_database
from bench.figures import Figure
from bench.template import Template
from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.doubles.vault.kv2 import Kv2
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, ShiftedClock
from rotation_testkit.sandbox.vault_sandbox import open_vault_sandbox
from vault_plugin.job.kv_rotation import JobContext, KvRotation

PAUSES = (1.0, 10.0)
WATCHED = ("container", "machine", "meeting")
COMMITS = ("finish", "early")
"""The values of ``LOCKSTEP_COMMIT`` that are measured; the first is the default and needs no setting."""

_REAL_SECONDS = 0.002


class Watch(ShiftedClock):
    """A clock that, while it watches, adds up for how long the two sides differ.

    Args:
        other: a clock that is shifted with it.
    """

    def __init__(self, other: ShiftedClock | None = None) -> None:
        super().__init__()
        self._other = other
        self.seconds = 0.0
        self._differ: Callable[[], bool] | None = None
        self._since: float | None = None
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        """Let so much time pass at once, second by second while it watches."""
        self._look()
        while self._differ is not None and seconds > 1:
            self._shift(1.0)
            seconds -= 1
        self._shift(seconds)

    def _shift(self, seconds: float) -> None:
        super().sleep(seconds)
        if self._other is not None:
            self._other.sleep(seconds)
        self._look()

    @contextmanager
    def watching(self, differ: Callable[[], bool]) -> Iterator[None]:
        """Watch until the block ends."""
        ended = threading.Event()

        def poll() -> None:
            while not ended.wait(_REAL_SECONDS):
                self._look()

        self.seconds, self._since, self._differ = 0.0, None, differ
        thread = threading.Thread(target=poll, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._look()
            self._differ = None

    def _look(self) -> None:
        if self._differ is None:
            return
        with self._lock:
            differ, now = self._differ(), self.now()
            if self._since is not None:
                self.seconds += now - self._since
            self._since = now if differ else None


def aws(account: str, pause: float, commit: str) -> float:
    """Return the gap of one clean rotation by the handler."""
    clock, key = Watch(), ACCOUNTS[account][0]
    settings = {} if commit == COMMITS[0] else {"LOCKSTEP_COMMIT": commit}
    with function_for(key, clock, **settings) as (started, function):
        service = started.secrets_manager
        return _gap(service, key, function, lambda: started.live(key), pause, clock)


def template(pause: float) -> float:
    """Return the gap of one clean rotation by the stand-in of AWS's template."""
    clock = Watch()
    with stub_database(clock) as (service, function):
        return _gap(service, "postgres", function, lambda: function.database.live, pause, clock)


def _gap(  # noqa: PLR0913, PLR0917 - two sides, who rotates, and when
    service: SecretsManager,
    account: str,
    function: Function | Template,
    live: Callable[[], Secret],
    pause: float,
    clock: Watch,
) -> float:
    name = f"lockstep/{account}"

    def step(event: dict[str, object]) -> None:
        clock.sleep(pause)
        function(event)

    def differ() -> bool:
        value = service.value(name)
        return value is None or SecretDocument.parse(value.reveal()).password != live()

    clock.sleep(MONTH)
    service.register_function(FUNCTION_ARN, step)
    with clock.watching(differ):
        rotation = service.rotate(name, function=FUNCTION_ARN)
    if rotation.failures:
        raise SystemExit(f"the rotation of {account} was to be a clean one: {rotation.failures}")
    return clock.seconds


def kv(account: str) -> float:
    """Return the gap of one clean rotation by the KV job."""
    key = ACCOUNTS[account][0]
    with open_vault_sandbox(lambda now: Kv2(now=now), "bench", holding=(key,)) as started:
        clock = Watch(started.world.clock)
        place = JobContext(kv=started.kv, deployment=started.deployment, clock=clock)
        with clock.watching(lambda: not started.heals(key)):
            done = KvRotation(context=place, path=started.path(key), ordered=True).run(attempts=1)
        if done.error is not None:
            raise SystemExit(f"the rotation of {account} was to be a clean one: {done.error}")
        return clock.seconds


def measure() -> Iterator[Figure]:
    """Yield the gap of each, beside the template's."""
    for pause in PAUSES:
        name = f"gap, AWS's PostgreSQL template (stand-in), steps {pause:g} s apart"
        theirs = template(pause)
        yield Figure(key=f"gap/template/{pause:g}", name=name, value=theirs, unit="s")
        for commit in COMMITS:
            for account in WATCHED:
                ours = aws(account, pause, commit)
                yield Figure(
                    key=f"gap/aws/{account}/{commit}/{pause:g}",
                    name=f"gap, AWS, {account}, commit {commit}, steps {pause:g} s apart",
                    value=ours,
                    unit="s",
                    detail=f"{ours / theirs:.2f} of the template's",
                )
    for account in WATCHED:
        yield Figure(key=f"gap/kv/{account}", name=f"gap, KV job, {account}", value=kv(account), unit="s")
