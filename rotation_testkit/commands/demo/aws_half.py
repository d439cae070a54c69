"""The AWS half of the demonstration: three rotations, and the claims about them.

A claim is a sentence and whether it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError
from rotation.core.scrub import scrub
from rotation.core.secret import Secret
from rotation.core.values import Verdict
from rotation.deployment.binder import Binder
from rotation.deployment.deployment import Deployment
from rotation.drivers.guarded import Guarded
from rotation_testkit.commands.demo.screen import Show, note, step
from rotation_testkit.doubles.secretsmanager import Rotation, RotationState
from rotation_testkit.doubles.vendor_api.faults import FaultKind
from rotation_testkit.processes.isolated_function import Invocation, IsolatedFunction
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, UCLOUD, Sandbox

DAY = 86_400.0
_FUNCTION_SECONDS = 30.0
ALLOWED_WRONG_LOGINS = 1
RESET = {UCLOUD: "ResetCompShareInstancePassword", HUAWEI: "PUT /v1/usg/acs/password"}
Claims = Iterator[tuple[str, bool]]


@dataclass(slots=True)
class AwsHalf:
    """``run`` shows the rotations and yields the claims."""

    sandbox: Sandbox
    show: Show
    rotation: str = ""
    ended: list[Invocation] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    passwords: list[Secret] = field(default_factory=list)
    function: IsolatedFunction = field(init=False)

    def __post_init__(self) -> None:
        self.function = IsolatedFunction(
            environment=self.sandbox.environment(),
            clock=self.sandbox.clock,
            seconds=_FUNCTION_SECONDS,
            on_end=self._ended,
        )
        self.sandbox.secrets_manager.register_function(FUNCTION_ARN, self.function)
        self._remember()

    def run(self) -> Claims:
        """Run the three rotations and check everything."""
        rounds = [self._first(), self._lost_reply(), self._killed()]
        for number, (name, rotations) in enumerate(rounds, start=1):
            yield from self._about(name, rotations, attempts=1 if number == 1 else 2)
        yield from self._about_vendors(len(rounds))
        yield from self._about_passwords()

    def _first(self) -> tuple[str, dict[str, Rotation]]:
        self._begin("rotation 1", "Rotation 1: RotateSecret on each secret, scheduled daily from now on.")
        store, rules = self.sandbox.secrets_manager, {"ScheduleExpression": "rate(1 day)"}
        rotations = {
            code: store.rotate(name, function=FUNCTION_ARN, rules=dict(rules))
            for code, name in self.sandbox.accounts.items()
        }
        self._remember()
        return self.rotation, rotations

    def _lost_reply(self) -> tuple[str, dict[str, Rotation]]:
        self._begin("rotation 2", "Rotation 2, by the schedule: each vendor applies the change and drops the reply.")
        self.sandbox.ucloud.faults.add(RESET[UCLOUD], FaultKind.DROP_AFTER)
        self.sandbox.huawei.faults.add(RESET[HUAWEI], FaultKind.DROP_AFTER)
        return self.rotation, self._next_day()

    def _killed(self) -> tuple[str, dict[str, Rotation]]:
        self._begin(
            "rotation 3", "Rotation 3, by the schedule: the function's process is killed right after the reset."
        )
        # The vendor acts, sets the event that kills the process, and holds its reply back meanwhile.
        for code, vendor in ((UCLOUD, self.sandbox.ucloud), (HUAWEI, self.sandbox.huawei)):
            vendor.faults.add(RESET[code], FaultKind.HANG, applied=True, reached=self.function.kill_now)
        return self.rotation, self._next_day()

    def _begin(self, rotation: str, text: str) -> None:
        self.rotation = rotation
        self.show(note(text))

    def _next_day(self) -> dict[str, Rotation]:
        self.show(note("  (The clock that all of them share is moved one day ahead, and 90 s before each retry.)"))
        self.sandbox.clock.sleep(DAY)
        found: dict[str, Rotation] = {}
        for rotation in self.sandbox.secrets_manager.tick():
            found[self._driver(rotation.secret)] = rotation
        self._remember()
        return found

    def _ended(self, ended: Invocation) -> None:
        self.ended.append(ended)
        token, name = str(ended.event["ClientRequestToken"]), str(ended.event["Step"])
        if name == "createSecret":
            self.attempts[token] = self.attempts.get(token, 0) + 1
        error = ended.report.get("error")
        outcome = "killed" if ended.killed else ended.report.get("outcome", "ended early")
        if isinstance(error, dict):
            outcome = error["code"]
        evidence = ended.report.get("evidence")
        shown = step(
            rotation=self.rotation,
            driver=self._driver(str(ended.event["SecretId"])),
            attempt=self.attempts[token],
            step=name,
            outcome=str(outcome),
            evidence=str(evidence) if evidence else None,
            seconds=ended.seconds,
            failed="outcome" not in ended.report,
        )
        self.show(shown)

    def _driver(self, secret_id: str) -> str:
        return next(code for code, name in self.sandbox.accounts.items() if f":secret:{name}-" in secret_id)

    def _remember(self) -> None:
        self.passwords += [each for code in self.sandbox.accounts if (each := self.sandbox.stored(code)) is not None]

    def _about(self, name: str, rotations: dict[str, Rotation], *, attempts: int) -> Claims:
        for code in self.sandbox.accounts:
            rotation = rotations.get(code)
            done = rotation is not None and rotation.state is RotationState.SUCCEEDED
            tries = 0 if rotation is None else rotation.attempts
            how = "in one go" if attempts == 1 else f"by the service's own retry ({tries} attempts)"
            yield f"{code}: {name} is complete, {how}", done and tries == attempts

    def _about_vendors(self, rotations: int) -> Claims:
        killed = sum(each.killed for each in self.ended)
        yield f"{killed} processes were really killed", killed == len(self.sandbox.accounts)
        for code, vendor in ((UCLOUD, self.sandbox.ucloud), (HUAWEI, self.sandbox.huawei)):
            met = {kind for _, kind in vendor.faults.met}
            yield f"{code}: met the lost reply and the kill", met == {FaultKind.DROP_AFTER, FaultKind.HANG}
            changes = self.sandbox.changes(code)
            yield f"{code}: {changes} resets took effect in {rotations} rotations", changes == rotations
            wrong = self.sandbox.wrong_logins(code)
            yield f"{code}: {wrong} wrong logins ({ALLOWED_WRONG_LOGINS} allowed)", wrong <= ALLOWED_WRONG_LOGINS

    def _about_passwords(self) -> Claims:
        for code in self.sandbox.accounts:
            current, previous = self.sandbox.stored(code), self.sandbox.stored(code, "AWSPREVIOUS")
            account = self._account(code)
            yield f"{code}: the stored AWSCURRENT logs in", try_login(account, current) is Verdict.ACCEPTED
            yield f"{code}: the old password does not", try_login(account, previous) is Verdict.REJECTED
        logs = "".join(each.logs for each in self.ended)
        clean = bool(logs) and scrub(logs, tuple(self.passwords)) == logs
        yield f"none of {len(self.passwords)} passwords is in the function's log lines", clean

    def _account(self, code: str) -> Guarded:
        """Return the account bound by the product itself, for a real login."""
        store = self.sandbox.secrets_manager

        def fetch(name: str) -> SecretDocument:
            value = store.value(name)
            return SecretDocument.parse("" if value is None else value.reveal())

        deployment = Deployment.from_environment(self.sandbox.environment())
        bind = Binder(deployment=deployment, fetch=fetch, clock=self.sandbox.clock, time_left=lambda: _FUNCTION_SECONDS)
        return bind(fetch(self.sandbox.accounts[code]))


def try_login(account: Guarded, password: Secret | None) -> Verdict | None:
    """Log in. ``None``: there is no password, or the login gave no verdict."""
    if password is None:
        return None
    try:
        return account.verify(password)
    except RotationError:
        return None
