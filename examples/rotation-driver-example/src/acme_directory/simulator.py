"""The vendor, as far as the driver sees it: tokens, users, a password rule, a lock-out.

Written from the vendor's documents and not from the driver, so that a mistake is not made twice. Only tests import it.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from rotation.drivers import Secret
from rotation_testkit.api import Call, FaultPlan, Refused, Reply, Simulator

SET, CHECK = "PUT /v1/users/{user}/password", "POST /v1/check"
STATUSES = {"BAD_TOKEN": 401, "FORBIDDEN": 403, "NO_SUCH_USER": 404, "LOCKED": 423, "TOO_MANY_CALLS": 429}
TRIES, LOCK_SECONDS = 5, 300


@dataclass
class User:
    """One user of the directory."""

    password: Secret
    changes: int = 0
    wrong: int = 0
    locked_until: float = 0


class AcmeSimulator(Simulator):
    """The simulated directory.

    Args:
        token: the administrator's token.
        clock: seconds since the epoch.
        faults: what goes wrong.
    """

    request_id_header = "X-Acme-Request"

    def __init__(
        self, token: Secret, *, clock: Callable[[], float] = time.time, faults: FaultPlan | None = None
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self._token = token
        self.users: dict[str, User] = {}

    def operation(self, call: Call) -> str:
        """Name the call as the vendor's documents do."""
        parts = call.path.split("/")
        if call.method == "PUT" and parts[1:3] == ["v1", "users"] and parts[4:] == ["password"]:
            return SET
        return CHECK if (call.method, call.path) == ("POST", "/v1/check") else "-"

    def respond(self, call: Call) -> Reply:
        """Answer a call."""
        if call.operation == SET:
            return self._set(call)
        if call.operation == CHECK:
            return self._check(call)
        raise Refused("NO_SUCH_CALL", status=404)

    def refuse(self, call: Call, refusal: Refused) -> Reply:
        """Answer with the vendor's envelope for errors."""
        status = refusal.status or STATUSES.get(refusal.code, 400)
        return Reply.of({"error": {"code": refusal.code}}, status=status, outcome=refusal.code)

    def throttle(self, call: Call) -> Reply:
        """Answer "too many calls"."""
        return self.refuse(call, Refused("TOO_MANY_CALLS"))

    def _set(self, call: Call) -> Reply:
        if not hmac.compare_digest(call.headers.get("X-Acme-Token", "").encode(), self._token.reveal().encode()):
            raise Refused("BAD_TOKEN")
        name = call.path.split("/")[3]
        user, new = self._user(name), _text(call, "password")
        kinds = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
        if not 12 <= len(new) <= 64 or sum(any(map(kind, new)) for kind in kinds) < 3:
            raise Refused("WEAK_PASSWORD")

        def change() -> None:
            user.password = Secret(new)
            user.changes += 1

        call.commit(change)
        return Reply.of({"user": name})

    def _check(self, call: Call) -> Reply:
        user = self._user(_text(call, "user"))
        if self.clock() < user.locked_until:
            raise Refused("LOCKED")
        if _text(call, "password") != user.password.reveal():
            user.wrong += 1
            if user.wrong >= TRIES:
                user.wrong, user.locked_until = 0, self.clock() + LOCK_SECONDS
            raise Refused("WRONG_PASSWORD", status=401)
        user.wrong = 0
        return Reply.of({"match": True})

    def _user(self, name: str) -> User:
        if name not in self.users:
            raise Refused("NO_SUCH_USER")
        return self.users[name]


def _text(call: Call, key: str) -> str:
    try:
        value = json.loads(call.body)[key]
    except (ValueError, KeyError, TypeError):
        raise Refused("MALFORMED") from None
    if not isinstance(value, str):
        raise Refused("MALFORMED")
    return value
