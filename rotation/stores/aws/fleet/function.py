"""AWS Lambda entry of the fleet's state machine: list secrets, rotate or check a batch of them, add the results up.

The state machine (``template.yaml``) calls this function for each of these, with ``do`` in the event:

* ``list`` reads what was ordered, writes the batches to S3 and returns where they are. An order is, for example,
  ``{"do": "rotate", "tags": {"team": "payments"}}`` or ``{"do": "verify", "all": true}``.
* ``rotate`` and ``verify`` get one batch and work on it until it has ended or their time is nearly over. They return
  the batch with what is left, so that the state machine calls again.
* ``sum`` adds up the results that the batches have written to S3.

Rotations are asked for as ``rotation_run`` does it, so a run that continues after a failure rotates nothing twice.
Checks are made by the rotation function, which has the rights and the way to vendors; this one reads no value.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from rotation.core.clock import Clock, SystemClock
from rotation.core.errors import (
    EventError,
    InternalError,
    RotationError,
    StoreDenied,
    StoreError,
    StoreUnavailable,
    Withheld,
)
from rotation.core.process.library_logs import silence_libraries
from rotation.core.process.output import write_line
from rotation.stores.aws.client import client, secrets_manager
from rotation.stores.aws.deadline import within
from rotation.stores.aws.fleet.fleet_secret import FleetSecret, managed
from rotation.stores.aws.fleet.objects import Objects
from rotation.stores.aws.fleet.rotation_run import FleetRotation, token_of
from rotation.stores.aws.fleet.turn import Ended, Turn
from rotation.stores.aws.listing import listed

BATCH = 50
CONCURRENCY = 4
"""How many batches are worked on at a time; each gets its part of the share of writes."""
PAUSE_SECONDS = 5
TOLERATED_PERCENT = 25
"""Of the batches in which nothing succeeded; with more of them the map ends, and what has not begun never does."""
CHECK_WRITES = 2
"""What a check of one account writes: its login is charged, and given back when it was accepted."""
_RESERVE_SECONDS = 60.0
_CHECK_SECONDS = 45.0
"""Of the reserve, for a check that has begun. The rest is for the results of the others: none may lose them."""
_MOST_WRITES = 50.0
_BAD = (Ended.FAILED, Ended.DRIFTED, Ended.NEEDS_HUMAN)
_USELESS = (Ended.FAILED, Ended.NEEDS_HUMAN)
_LASTING = frozenset(
    {
        *("ResourceNotFoundException", "InvalidParameterValueException", "InvalidRequestContentException"),
        *("InvalidRuntimeException", "InvalidSecurityGroupIDException", "InvalidSubnetIDException"),
        *("KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException"),
    }
)
"""Of Lambda's Invoke (API model of 2015-03-31, read 2026-11): they last until somebody mends the stack."""
_FUNCTION = "The stack makes the function and grants the call: compare FLEET_FUNCTION and its role with template.yaml."
_LOGGED = ("run", "number", "count", "left", "ended")
_ORDER = {"do": str, "prefix": str, "tags": dict, "all": bool, "run": str, "per_vendor": int}
_HINT = 'For example {"do": "rotate", "tags": {"team": "payments"}} or {"do": "verify", "all": true}; docs/fleet.md.'


class LambdaContext(Protocol):
    """The part of the runtime's context that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is stopped."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetWorld:
    """Everything outside of the function.

    Attributes:
        store: the client for Secrets Manager.
        objects: the bucket.
        check: asks the rotation function to check one secret, by its ARN; returns that function's answer.
        function: ARN of the rotation function.
        prefix: what the names of its secrets begin with.
        writes_per_second: the share of the store's writes.
        clock: the time.
    """

    store: Any
    objects: Objects
    check: Callable[[str], Any]
    function: str
    prefix: str
    writes_per_second: float
    clock: Clock


def lambda_handler(event: Mapping[str, Any], context: LambdaContext) -> dict[str, object]:
    """Serve one call of the state machine.

    Raises:
        RotationError: the call failed; it may be made again.
    """
    environment = os.environ
    asking = client("lambda", read_seconds=900, attempts=1)
    world = FleetWorld(
        store=secrets_manager(),
        objects=Objects(client("s3"), environment["FLEET_BUCKET"]),
        check=lambda arn: invoked(asking, environment["FLEET_FUNCTION"], {"Verify": arn}),
        function=environment["FLEET_FUNCTION"],
        prefix=environment["FLEET_PREFIX"],
        writes_per_second=min(float(environment["FLEET_WRITES_PER_SECOND"]), _MOST_WRITES),
        clock=SystemClock(),
    )
    return handle(event, context, world)


def handle(event: Mapping[str, Any], context: LambdaContext, world: FleetWorld) -> dict[str, object]:
    """Serve one call in a given world; see ``lambda_handler``."""
    silence_libraries()

    def failed(foreign: Exception) -> RotationError:
        failure = foreign.changed() if isinstance(foreign, RotationError) else InternalError.of(foreign)
        write_line({"fleet": str(event.get("do")), "error": failure.describe()}, sys.stderr)
        return failure

    with Withheld(Exception, by=failed), within(lambda: context.get_remaining_time_in_millis() / 1000):
        served = {"list": _list, "rotate": _turn, "verify": _turn, "sum": _sum}.get(str(event.get("do")))
        if served is None:
            raise EventError("the fleet's function does not know this call", hint=_HINT)
        answer = served(event, context, world)
        line = {"fleet": event["do"], **{key: answer[key] for key in _LOGGED if key in answer}}
        write_line(line, sys.stdout, sys.stderr)
        return answer


def _list(event: Mapping[str, Any], context: LambdaContext, world: FleetWorld) -> dict[str, object]:
    """Write the batches of what is ordered."""
    del context
    order = _checked(event.get("order"))
    run, prefix = _run_of(order, str(event.get("execution"))), order.get("prefix", world.prefix)
    if not prefix.startswith(world.prefix):
        raise EventError(f"this stack rotates only secrets whose names begin with {world.prefix}", hint=_HINT)
    tags = tuple((str(key), str(value)) for key, value in order.get("tags", {}).items())
    now = world.clock.now()
    entries = listed(world.store, prefix=prefix, tags=tags)
    chosen = [each for each in managed(entries, now, function=world.function) if _is_ours(each, world.function)]
    if not chosen and not order.get("all"):
        raise EventError(
            "no secret of this stack's function has this prefix and these tags",
            hint="Compare with `lockstep fleet status`.",
        )
    chosen.sort(key=lambda each: token_of(run, each))  # so that each batch has secrets of every driver
    common = {
        "do": order["do"],
        "run": str(run),
        "writes_per_second": world.writes_per_second / CONCURRENCY,
        "per_vendor": max(1, order.get("per_vendor", 2 * CONCURRENCY) // CONCURRENCY),
    }
    batches = [
        {
            **common,
            "number": number,
            "secrets": [[each.name, each.arn, each.driver] for each in chosen[at : at + BATCH]],
        }
        for number, at in enumerate(range(0, len(chosen), BATCH))
    ]
    key = f"runs/{run}/batches.json"
    world.objects.write(key, batches)
    return {
        "run": str(run),
        "count": len(chosen),
        "bucket": world.objects.bucket,
        "key": key,
        "concurrency": CONCURRENCY,
        "tolerated_percent": TOLERATED_PERCENT,
    }


def _checked(order: Any) -> dict[str, Any]:  # noqa: ANN401 - the state machine's input
    """Return an order.

    Raises:
        EventError: names what is wrong.
    """
    if not isinstance(order, dict):
        raise EventError("the order is not an object", hint=_HINT)
    unknown = sorted(set(order) - set(_ORDER) - {"comment"})
    wrong = sorted(key for key, kind in _ORDER.items() if key in order and type(order[key]) is not kind)
    if unknown or wrong or order.get("do") not in ("rotate", "verify"):
        what = f"unknown: {', '.join(unknown)}" if unknown else f"malformed: {', '.join(wrong) or 'do'}"
        raise EventError(f"the order has keys that are {what}", hint=_HINT)
    if not (order.get("all") or order.get("tags") or order.get("prefix")):
        raise EventError("the order chooses no secrets", hint=f"Choose by tags or prefix, or say all. {_HINT}")
    return order


def _run_of(order: Mapping[str, Any], execution: str) -> uuid.UUID:
    try:
        return uuid.UUID(order["run"]) if "run" in order else uuid.uuid5(uuid.NAMESPACE_URL, execution)
    except ValueError:
        pass
    raise EventError("run is not the id of an earlier run", hint="The summary and the batches of a run name its id.")


def _is_ours(secret: FleetSecret, function: str) -> bool:
    """Return whether a secret names the function, or an alias or version of it."""
    return secret.function is not None and f"{secret.function}:".startswith(f"{function}:")


def _turn(event: Mapping[str, Any], context: LambdaContext, world: FleetWorld) -> dict[str, object]:
    """Work on a batch; return it with what is left."""
    secrets = [FleetSecret.named(*each) for each in event["secrets"]]
    until = world.clock.now() + context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    work = _rotated if event["do"] == "rotate" else _verified
    turns = list(work(event, secrets, until, world))
    ended = {each.secret.arn for each in turns}
    left = [[each.name, each.arn, each.driver] for each in secrets if each.arn not in ended]
    if turns:
        moment = int(world.clock.now() * 1000)
        key = f"runs/{event['run']}/results/{moment:015}-{event['number']:06}.json"
        world.objects.write(key, [{**each.describe(), "arn": each.secret.arn} for each in turns])
    return {
        **event,
        "secrets": left,
        "left": len(left),
        "pause": PAUSE_SECONDS,
        "useless": bool(turns) and not left and all(each.ended in _USELESS for each in turns),
    }


def _rotated(event: Mapping[str, Any], secrets: list[FleetSecret], until: float, world: FleetWorld) -> Iterator[Turn]:
    rotation = FleetRotation(
        client=world.store,
        run=uuid.UUID(event["run"]),
        clock=world.clock,
        writes_per_second=event["writes_per_second"],
        per_vendor=event["per_vendor"],
        until=until,
    )
    return rotation.turns(secrets)


def _verified(event: Mapping[str, Any], secrets: list[FleetSecret], until: float, world: FleetWorld) -> Iterator[Turn]:
    """Check one after another: the batches beside this one are enough for the vendors."""
    spacing = CHECK_WRITES / event["writes_per_second"]
    for secret in secrets:
        began = world.clock.now()
        if began >= until:
            return
        try:
            with within(lambda: until + _CHECK_SECONDS - world.clock.now()):
                turn = _answered(secret, world.check(secret.arn))
        except RotationError as error:
            turn = Turn(secret=secret, ended=Ended.FAILED, error=error)
        yield turn
        world.clock.sleep(max(0.0, began + spacing - world.clock.now()))


def _answered(secret: FleetSecret, answer: Any) -> Turn:  # noqa: ANN401 - another function's answer
    """Return the turn of a secret by the rotation function's answer.

    Raises:
        StoreError: it is no answer to a check.
    """
    try:
        error = answer.get("error")
        return Turn(
            secret=secret,
            ended=Ended(answer["ended"]),
            evidence=answer.get("evidence"),
            reason=error["code"] if error else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        pass
    raise StoreError(
        "the rotation function's answer is none to a check", hint="Deploy both functions from one release of Lockstep."
    )


def invoked(asking: Any, function: str, payload: object) -> Any:  # noqa: ANN401 - botocore has no types
    """Return another function's answer.

    Raises:
        StoreDenied: it may not be called.
        StoreError: it is not there, or does not run before somebody has done something.
        StoreUnavailable: it could not be called, or failed.
    """
    failure: RotationError
    try:
        answer = asking.invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        found = json.loads(answer["Payload"].read())
        if not answer.get("FunctionError"):
            return found
        failure = StoreUnavailable("the rotation function failed", hint="The function's log says why.")
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        kind = StoreDenied if code.startswith("AccessDenied") else StoreError if code in _LASTING else StoreUnavailable
        failure = kind("the rotation function was not called", vendor_code=code, hint=_FUNCTION)
    except (BotoCoreError, ValueError) as error:
        failure = StoreUnavailable(f"the rotation function did not answer ({type(error).__name__})")
    raise failure


def _sum(event: Mapping[str, Any], context: LambdaContext, world: FleetWorld) -> dict[str, object]:
    """Add up a run's results; of a secret with several the latest counts.

    What is ``already_done`` this run has rotated, in an earlier call whose result was lost or still open.
    """
    del context
    listed_, found = event["listed"], dict[str, dict[str, Any]]()
    run, count = listed_["run"], listed_["count"]
    for key in world.objects.keys(f"runs/{run}/results/"):
        for turn in world.objects.read(key):
            done = turn["outcome"] == Ended.ALREADY_DONE
            found[turn["arn"]] = {**turn, "outcome": Ended.ROTATED.value} if done else turn
    ended = Counter(turn["outcome"] for turn in found.values())
    bad = [turn for turn in found.values() if turn["outcome"] in _BAD]
    summary: dict[str, object] = {
        "run": run,
        "count": count,
        "ended": dict(sorted(ended.items())),
        "bad": len(bad),
        "without_result": max(0, count - len(found)),
    }
    key = f"runs/{run}/summary.json"
    world.objects.write(key, {**summary, "look_at": bad})
    return {**summary, "summary": f"s3://{world.objects.bucket}/{key}"}
