"""``invoke``: one event through the function, in a world that fits it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rotation.cli.exit_codes import DONE, FAILED, PARKED, CommandUsageError, needs_extra
from rotation.cli.output import Json, console, emit, note
from rotation.core.errors import EventError, InternalError, Parked, TooSoon
from rotation.core.event import RotationEvent
from rotation.core.values import Step
from rotation_testkit.commands.open_sandbox import embedded

if TYPE_CHECKING:
    from rotation_testkit.commands.runtime import Outcome, Place
    from rotation_testkit.sandbox.sandbox import World

_ARN = re.compile(r"arn:aws[a-z-]*:secretsmanager:([a-z0-9-]+):([0-9]{12}):secret:(.+?)(?:-[A-Za-z0-9]{6})?")
_FOREIGN_ACCOUNT = "444455556666"


def invoke(
    path: Annotated[
        Path, typer.Argument(help="A file with one event, as in events/.", metavar="EVENT", exists=True, dir_okay=False)
    ],
    *,
    inside: Annotated[
        bool, typer.Option("--here", help="Run in this process instead of under the Lambda runtime emulator.")
    ] = False,
    driver: Annotated[
        str | None, typer.Option(help="Driver of the event's secret, where its name does not tell.", metavar="CODE")
    ] = None,
    test_only: Annotated[
        bool,
        typer.Option("--test-only", help="As RotateImmediately=false: testSecret with nothing before it."),
    ] = False,
    as_json: Json = False,
) -> int:
    """Send one event to the rotation function, in an embedded world made for it.

    A secret of the event's name and driver is created, and Secrets Manager begins a rotation under the event's token.
    For setSecret, testSecret and finishSecret the earlier steps run first. Then the event goes to the packed function
    (or, where that is not built or not fresh, the source tree) under the real Lambda runtime emulator. A file called
    test_only.json implies --test-only; a malformed event goes to the function as it is.

    Exits 1 when the function failed, 3 when it parked the rotation.
    """
    event = _read(path)
    try:
        parsed = RotationEvent.parse(event)
    except EventError:
        parsed = None
    scene = _scene(path, parsed, driver)
    with embedded(**scene.choices) as world, _place(world, inside=inside) as place:
        if not as_json:
            note(f"{place.runtime}, code: {place.code}")
        if parsed is None or not isinstance(event, dict):
            outcome = place.run(event)
        else:
            only = test_only or path.stem == "test_only"
            outcome = _Scripted(world, place, scene, event, parsed.step).run(parsed.token, test_only=only)
    return _show(path, place, outcome, as_json=as_json)


def _read(path: Path) -> object:
    try:
        event: object = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        failure = CommandUsageError("the event's file is not JSON", hint="See events/ for samples.")
    except OSError as error:
        failure = CommandUsageError(f"the event's file cannot be read ({type(error).__name__})")
    else:
        return event
    raise failure


@dataclass(frozen=True, slots=True)
class _Scene:
    """Which world fits an event: the secret's key in it, account and region, and the choices to start it with."""

    key: str
    account: str
    region: str
    choices: dict[str, object] = field(default_factory=dict)

    def function(self, *, foreign: bool) -> str:
        """Return the function's ARN; a foreign account's gets a RotationToken."""
        account = _FOREIGN_ACCOUNT if foreign else self.account
        return f"arn:aws:lambda:{self.region}:{account}:function:lockstep-rotation"


def _scene(path: Path, parsed: RotationEvent | None, driver: str | None) -> _Scene:
    try:
        from rotation_testkit.sandbox import sandbox as kit
    except ModuleNotFoundError as missing:
        failure = needs_extra(missing, "testing")
    else:
        if parsed is None:
            return _Scene(kit.HUAWEI, kit.FUNCTION_ACCOUNT, kit.REGION)
        # tencent_bm/batch before tencent_bm; a folder of events has no slash in its name
        known, told = sorted(kit.ALL, key=len, reverse=True), f"{parsed.secret_id} {path}"
        key = driver or next((each for each in known if each in told or each.replace("/", "_") in told), None)
        if key not in known:
            raise CommandUsageError(
                "no driver of the embedded world fits the event", hint=f"Add --driver: {', '.join(kit.DRIVERS)}."
            )
        arn = _ARN.fullmatch(parsed.secret_id)
        region, account, name = arn.groups() if arn else (kit.REGION, kit.FUNCTION_ACCOUNT, parsed.secret_id)
        choices = {"holding": (key,), "names": {key: name}, "account": account, "region": region, "retry_delays": ()}
        return _Scene(key, account, region, choices)
    raise failure


def _place(world: World, *, inside: bool) -> AbstractContextManager[Place]:
    try:
        from rotation_testkit.commands import runtime
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("rotation"):
            raise
        failure = needs_extra(missing, "testing")
    else:
        return nullcontext(runtime.here(world)) if inside else runtime.emulated(world)
    raise failure


class _EnoughError(Exception):
    """The event has been run; the rotation goes no further."""


@dataclass(slots=True)
class _Scripted:
    """A rotation by Secrets Manager that runs up to the event's step, and hands that one to the place."""

    world: World
    place: Place
    scene: _Scene
    event: Mapping[str, object]
    step: Step
    outcome: Outcome | None = None

    def run(self, token: str, *, test_only: bool) -> Outcome:
        """Begin the rotation and return what came of the event, or of the earlier step that failed."""
        store, foreign = self.world.secrets_manager, "RotationToken" in self.event
        arn = self.scene.function(foreign=foreign)
        store.register_function(arn, self._invoked)
        name = self.world.accounts[self.scene.key]
        rotation = store.rotate(name, function=arn, rules={}, token=token, immediately=not test_only)
        if self.outcome is not None:
            return self.outcome
        if rotation.failures:
            raise InternalError(f"{type(rotation.failures[0][1]).__name__} while the event's world was made")
        raise CommandUsageError("Secrets Manager never sends this step in such a rotation")

    def _invoked(self, sent: dict[str, object]) -> None:
        from rotation_testkit.commands.runtime import here

        if Step.parse(sent["Step"]) is not self.step:
            earlier = here(self.world).run(sent)
            if earlier.error is not None:
                self.outcome = earlier
                raise _EnoughError
            return
        # The world's own ARN and RotationToken; everything else is the file's.
        own = {key: value for key, value in sent.items() if key in ("SecretId", "RotationToken")}
        self.outcome = self.place.run(dict(self.event) | own)
        raise _EnoughError


def _show(path: Path, place: Place, outcome: Outcome, *, as_json: bool) -> int:
    error = outcome.error
    if as_json:
        emit(
            {
                "event": str(path),
                "runtime": place.runtime,
                "code": place.code,
                "succeeded": error is None,
                "result": outcome.result,
                "error": error,
                "logs": list(outcome.logs),
            }
        )
    else:
        for line in outcome.logs:
            note(line)
        if error is None:
            console().print_json(data=outcome.result)
        else:
            out = console()
            out.print(f"the step failed: {error.get('code')}: {error.get('message')}", style="bold red")
            if error.get("hint"):
                out.print(f"  hint: {error['hint']}")
    if error is None:
        return DONE
    return PARKED if error.get("code") in (Parked.code, TooSoon.code) else FAILED
