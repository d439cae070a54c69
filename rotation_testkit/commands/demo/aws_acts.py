"""The demonstration's three rotations, and the claims that are checked about them."""

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
from rotation_testkit.commands.demo.screen import Board, StepShown
from rotation_testkit.doubles.secretsmanager import Rotation, RotationState
from rotation_testkit.doubles.vendors.faults import FaultKind
from rotation_testkit.processes.isolated_function import Invocation, IsolatedFunction
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI, UCLOUD, World

DAY = 86_400.0
_FUNCTION_SECONDS = 30.0
ALLOWED_WRONG_LOGINS = 1
RESET = {UCLOUD: "ResetCompShareInstancePassword", HUAWEI: "PUT /v1/usg/acs/password"}
Claims = Iterator[tuple[str, bool]]


@dataclass(slots=True)
class Play:
    """The script. ``run`` shows it and yields what was claimed and whether it holds."""

    world: World
    board: Board
    act: str = ""
    ended: list[Invocation] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    passwords: list[Secret] = field(default_factory=list)
    function: IsolatedFunction = field(init=False)

    def __post_init__(self) -> None:
        self.function = IsolatedFunction(
            environment=self.world.environment(),
            clock=self.world.clock,
            seconds=_FUNCTION_SECONDS,
            told=self._told,
        )
        self.world.secrets_manager.register_function(FUNCTION_ARN, self.function)
        self._remember()

    def run(self) -> Claims:
        """Run the three rotations and check everything."""
        acts = [self._first(), self._lost_reply(), self._killed()]
        for number, (act, rotations) in enumerate(acts, start=1):
            yield from self._about(act, rotations, attempts=1 if number == 1 else 2)
        yield from self._about_vendors(len(acts))
        yield from self._about_passwords()

    def _first(self) -> tuple[str, dict[str, Rotation]]:
        self._begin("rotation 1", "Rotation 1: RotateSecret on each secret, scheduled daily from now on.")
        store, rules = self.world.secrets_manager, {"ScheduleExpression": "rate(1 day)"}
        rotations = {
            code: store.rotate(name, function=FUNCTION_ARN, rules=dict(rules))
            for code, name in self.world.accounts.items()
        }
        self._remember()
        return self.act, rotations

    def _lost_reply(self) -> tuple[str, dict[str, Rotation]]:
        self._begin("rotation 2", "Rotation 2, by the schedule: each vendor applies the change and drops the reply.")
        self.world.ucloud.faults.add(RESET[UCLOUD], FaultKind.DROP_AFTER)
        self.world.huawei.faults.add(RESET[HUAWEI], FaultKind.DROP_AFTER)
        return self.act, self._next_day()

    def _killed(self) -> tuple[str, dict[str, Rotation]]:
        self._begin(
            "rotation 3", "Rotation 3, by the schedule: the function's process is killed right after the reset."
        )
        # The vendor acts, tells that it has, and holds its reply back for longer than the process lives.
        for code, vendor in ((UCLOUD, self.world.ucloud), (HUAWEI, self.world.huawei)):
            vendor.faults.add(RESET[code], FaultKind.HANG, applied=True, reached=self.function.doom)
        return self.act, self._next_day()

    def _begin(self, act: str, text: str) -> None:
        self.act = act
        self.board.say(text)

    def _next_day(self) -> dict[str, Rotation]:
        self.board.say("  (The clock that all of them share is moved one day ahead, and 60 s before each retry.)")
        self.world.clock.sleep(DAY)
        found: dict[str, Rotation] = {}
        for rotation in self.world.secrets_manager.tick():
            found[self._driver(rotation.secret)] = rotation
        self._remember()
        return found

    def _told(self, ended: Invocation) -> None:
        self.ended.append(ended)
        token, step = str(ended.event["ClientRequestToken"]), str(ended.event["Step"])
        if step == "createSecret":
            self.attempts[token] = self.attempts.get(token, 0) + 1
        error = ended.report.get("error")
        outcome = "killed" if ended.killed else ended.report.get("outcome", "ended early")
        if isinstance(error, dict):
            outcome = error["code"]
        evidence = ended.report.get("evidence")
        shown = StepShown(
            act=self.act,
            driver=self._driver(str(ended.event["SecretId"])),
            attempt=self.attempts[token],
            step=step,
            outcome=str(outcome),
            evidence=str(evidence) if evidence else None,
            seconds=ended.seconds,
            failed="outcome" not in ended.report,
        )
        self.board.step(shown)

    def _driver(self, secret_id: str) -> str:
        return next(code for code, name in self.world.accounts.items() if f":secret:{name}-" in secret_id)

    def _remember(self) -> None:
        self.passwords += [each for code in self.world.accounts if (each := self.world.stored(code)) is not None]

    def _about(self, act: str, rotations: dict[str, Rotation], *, attempts: int) -> Claims:
        for code in self.world.accounts:
            rotation = rotations.get(code)
            done = rotation is not None and rotation.state is RotationState.SUCCEEDED
            tries = 0 if rotation is None else rotation.attempts
            how = "in one go" if attempts == 1 else f"by the service's own retry ({tries} attempts)"
            yield f"{code}: {act} is complete, {how}", done and tries == attempts

    def _about_vendors(self, acts: int) -> Claims:
        killed = sum(each.killed for each in self.ended)
        yield f"{killed} processes were really killed", killed == len(self.world.accounts)
        for code, vendor in ((UCLOUD, self.world.ucloud), (HUAWEI, self.world.huawei)):
            met = {kind for _, kind in vendor.faults.met}
            yield f"{code}: met the lost reply and the kill", met == {FaultKind.DROP_AFTER, FaultKind.HANG}
            changes = self.world.changes(code)
            yield f"{code}: {changes} resets took effect in {acts} rotations", changes == acts
            wrong = self.world.wrong_logins(code)
            yield f"{code}: {wrong} wrong logins ({ALLOWED_WRONG_LOGINS} allowed)", wrong <= ALLOWED_WRONG_LOGINS

    def _about_passwords(self) -> Claims:
        for code in self.world.accounts:
            current, previous = self.world.stored(code), self.world.stored(code, "AWSPREVIOUS")
            account = self._account(code)
            yield f"{code}: the stored AWSCURRENT logs in", tried(account, current) is Verdict.ACCEPTED
            yield f"{code}: the old password does not", tried(account, previous) is Verdict.REJECTED
        logs = "".join(each.logs for each in self.ended)
        clean = bool(logs) and scrub(logs, tuple(self.passwords)) == logs
        yield f"none of {len(self.passwords)} passwords stands in the function's log lines", clean

    def _account(self, code: str) -> Guarded:
        """Return the account as the product itself sees it, for a real login."""
        store = self.world.secrets_manager

        def fetch(name: str) -> SecretDocument:
            value = store.value(name)
            return SecretDocument.parse("" if value is None else value.reveal())

        deployment = Deployment.from_environment(self.world.environment())
        bind = Binder(deployment=deployment, fetch=fetch, clock=self.world.clock, time_left=lambda: _FUNCTION_SECONDS)
        return bind(fetch(self.world.accounts[code]))


def tried(account: Guarded, password: Secret | None) -> Verdict | None:
    """Log in; ``None`` when nobody could tell, which proves nothing either way."""
    if password is None:
        return None
    try:
        return account.verify(password)
    except RotationError:
        return None
