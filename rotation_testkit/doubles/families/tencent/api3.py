"""A product's API 3.0: admits a call, checks its parameters, lets the action answer, and phrases refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rotation_testkit.doubles.families.tencent.gateway import MESSAGES, V3Gateway
from rotation_testkit.doubles.families.tencent.keys import SecretKey
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.reset_simulator import Limiter

Body = dict[str, object]


@dataclass(frozen=True, slots=True)
class Action:
    """One action: what answers it, which parameters it needs and which it takes."""

    answer: Callable[[Call, Body], Body]
    needed: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class Api3:
    """API 3.0 of a product. Parameters that an action does not take are refused.

    Args:
        clock: seconds since the epoch.
        keys: by their ids.
        service: the product's name in signatures.
        version: of its API.
        actions: by name.
        messages: the texts of the product's own codes.
    """

    def __init__(  # noqa: PLR0913 - what a product has, all but two named
        self,
        clock: Callable[[], float],
        keys: Mapping[str, SecretKey],
        *,
        service: str,
        version: str,
        actions: Mapping[str, Action],
        messages: Mapping[str, str],
    ) -> None:
        self.gateway = V3Gateway(clock, keys, service=service, version=version)
        self.per_action = Limiter(clock, 10, 1)
        self.messages = {**MESSAGES, **messages}
        self._actions = actions

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        action = call.headers.get("X-TC-Action", "")
        return action if action in self._actions else "-"

    def respond(self, call: Call) -> Reply:
        """Check the call, then act."""
        self.gateway.admit(call)
        action = self._actions.get(call.headers["X-TC-Action"])
        if action is None:
            raise Refused("InvalidAction")
        if not self.per_action.take(call.headers["X-TC-Action"]):
            raise Refused("RequestLimitExceeded")
        body = call.json_object("InvalidParameter", "body")
        for name in action.needed:
            if name not in body:
                raise Refused("MissingParameter", name)
        for name in body:
            if name not in action.needed + action.optional:
                raise Refused("UnknownParameter", name)
        return Reply.of({"Response": action.answer(call, body) | {"RequestId": call.request_id}})

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Answer with HTTP 200 and an Error inside."""
        message = self.messages.get(refusal.code, "Unknown error.") + (f" [{refusal.detail}]" if refusal.detail else "")
        error = {"Code": refusal.code, "Message": message}
        payload = {"Response": {"Error": error, "RequestId": call.request_id}}
        return Reply.of(payload, status=refusal.status or 200, outcome=refusal.code)

    def throttle(self, call: Call) -> Reply:
        """Answer with RequestLimitExceeded."""
        return self.refuse(call, Refused("RequestLimitExceeded"))


def region_of(call: Call) -> str:
    """Return the region that a call names."""
    return call.headers["X-TC-Region"]


def text(body: Body, name: str, default: str | None = None) -> str:
    """Read a text."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise Refused("InvalidParameter", name)
    return value


def texts(body: Body, name: str) -> list[str]:
    """Read a list of texts."""
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refused("InvalidParameter", name)
    return value


def whole(body: Body, name: str, default: int | None = None) -> int:
    """Read a number from 0."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise Refused("InvalidParameter", name)
    return value


def flag(body: Body, name: str) -> bool:
    """Read a switch, off by default."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise Refused("InvalidParameter", name)
    return value
