"""Huawei Cloud RDS: instances, their accounts, and the two calls that reset a password.

What the vendor's documents leave open is an attribute of the simulator.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.huawei_cloud import HuaweiGateway, refusal
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.database import DatabaseInstance, DatabaseSimulator
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.signed import SignedSimulator, SigningKey
from rotation_testkit.doubles.vendors.huawei_rds.second_opinion import account as sound

PROJECT = "0483b6b16e954cb88930a360d2c4e663"  # the one of the vendor's samples
INSTANCES, USERS = "GET /instances", "GET /db_user/detail"
ROOT_RESET, USER_RESET = "POST /password", "POST /db_user/resetpwd"
_PATH = re.compile(r"/v3/([^/]+)/instances(?:/([^/]+)(/.+))?")
_MOST = 100
_STATUSES: Mapping[int, str] = {
    400: "200001 200004 200006 200038 200039 200040 200041 200042 200052 200076 200086 200203 200405 200461 201014"
    " 201207 280001 280204 280235 280238 280246 280404 280449 290000 290001",
    403: "200010 200044 200604 201003 280015 280056",
    404: "200002 200008 200045 200408 200602 201028 290005 290011 290013",
    409: "200011 200019 200047 200316 200402 201202 201205 212006",
    500: "108000 108002 108005 200005 213004 290006 290015",
}
CODES: Mapping[str, tuple[int, str]] = {
    f"DBS.{number}": (status, "Refused by the database service.")
    for status, numbers in _STATUSES.items()
    for number in numbers.split()
}


class HuaweiRds(SignedSimulator, DatabaseSimulator):
    """The simulated API of rds.<region>.myhuaweicloud.com, v3.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are "METHOD /path", without project and instance.
        credentials: the account's key; a fresh one by default.

    Attributes:
        root_weak: the code for a weak password of root; ``user_weak`` for another account's, which no page names.
    """

    running = "ACTIVE"

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        credentials: SigningKey | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.sign_with(credentials)
        self._gateway = HuaweiGateway(clock, self.keys)
        self.root_weak, self.user_weak = "DBS.200052", "DBS.280001"
        self._calls: dict[str, Callable[[Call, DatabaseInstance], Reply]] = {
            USERS: _users,
            ROOT_RESET: self._reset_root,
            USER_RESET: self._reset_user,
        }

    # The vendor's API.

    def operation(self, call: Call) -> str:
        """Return the method and the path without its ids, of a known call."""
        match = _PATH.fullmatch(call.path)
        name = f"{call.method} {match[3] or '/instances'}" if match else "-"
        return name if name == INSTANCES or name in self._calls else "-"

    def respond(self, call: Call) -> Reply:
        """Check signature, project and instance, then act."""
        match = _PATH.fullmatch(call.path)
        if match is None or call.operation == "-":
            raise Refused("APIGW.0101")
        self._gateway.admit(call)
        if match[1] != PROJECT or call.headers.get("X-Project-Id", PROJECT) != PROJECT:
            raise Refused("APIGW.0310")
        if call.operation == INSTANCES:
            return self._list(call)
        instance = self.instances.get(match[2])
        if instance is None:
            raise Refused("DBS.200002")
        return self._calls[call.operation](call, instance)

    def refuse(self, call: Call, refused: Refused) -> Reply:
        """See ``huawei_cloud.refusal``."""
        return refusal(call, refused, CODES)

    def throttle(self, call: Call) -> Reply:
        """Answer with the gateway's code."""
        return self.refuse(call, Refused("APIGW.0308"))

    # The calls.

    def _list(self, call: Call) -> Reply:
        wanted = call.query.get("id", "*")
        fits = [each for each in self.instances.values() if wanted.startswith("*") or each.instance_id == wanted]
        return Reply.of({"instances": [_view(each) for each in fits], "total_count": len(fits)})

    def _reset_root(self, call: Call, instance: DatabaseInstance) -> Reply:
        body = call.json_object("DBS.200006")
        self._reset(call, instance, "root", _text(body, "db_user_pwd", "DBS.200001"), weak=self.root_weak)
        return Reply.of({})

    def _reset_user(self, call: Call, instance: DatabaseInstance) -> Reply:
        body = call.json_object("DBS.200006")
        name = _text(body, "name", "DBS.280001")
        if name == "root":
            raise Refused("DBS.280001")  # it has a call of its own
        self._reset(call, instance, name, _text(body, "password", "DBS.280001"), weak=self.user_weak)
        return Reply.of({"resp": "successful"})

    def _reset(self, call: Call, instance: DatabaseInstance, name: str, password: str, *, weak: str) -> None:
        account = instance.accounts.get(name)
        if account is None:
            raise Refused("DBS.280001")
        account.attempts += 1
        if instance.status == "FROZEN":
            raise Refused("DBS.280449")
        if instance.status not in {"ACTIVE", "BACKING UP"}:
            raise Refused("DBS.200316" if instance.status == "STORAGE FULL" else "DBS.200011")
        if not sound(password, name, ""):
            raise Refused(weak)

        def effect() -> None:
            self.later(self.reset_delay, lambda: instance.reset(name, Secret(password)))

        call.commit(effect)


def _text(body: Mapping[str, object], name: str, code: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise Refused(code)
    return value


def _users(call: Call, instance: DatabaseInstance) -> Reply:
    page, limit = call.query.get("page", ""), call.query.get("limit", "")
    if not re.fullmatch(r"[1-9]\d{0,3}", page) or not re.fullmatch(r"[1-9]\d{0,2}", limit) or int(limit) > _MOST:
        raise Refused("DBS.280001")
    names = sorted(name for name in instance.accounts if name != "root")
    start = (int(page) - 1) * int(limit)
    users = [{"name": name} for name in names[start : start + int(limit)]]
    return Reply.of({"users": users, "total_count": len(names)})


def _view(instance: DatabaseInstance) -> dict[str, object]:
    return {
        "id": instance.instance_id,
        "status": instance.status,
        "name": instance.instance_id,
        "port": instance.port,
        "type": "Single",
        "region": "cn-north-4",
        "datastore": {"type": instance.engine, "version": "16"},
        "private_ips": [instance.host],
        "public_ips": [instance.public] if instance.public else [],
        "db_user_name": "root",
        "enable_ssl": True,
    }
