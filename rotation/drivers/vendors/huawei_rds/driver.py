"""Huawei Cloud RDS: an account of a MySQL or PostgreSQL instance, reset by an access key and proved by a login.

Facts: the vendor's pages on ResetPwd (rds_05_0011), SetDbUserPwd (rds_08_0034, 2025-08-20), SetPostgresqlDbUserPwd
(rds_11_0001, 2025-12-02) and ListInstances (rds_01_0004); huaweicloudsdkrds 3.1.219. The account ``root`` has a call of
its own. A deployment serves one region: its endpoint's.

Undocumented, so read with care: how soon a new password works (five seconds are assumed); whether a reset of a MySQL
account reaches all of its hosts; whether a read replica takes the call (the instance's own state decides).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, OutcomeUnknown, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families.huawei_signature import AccessKey, SignedHuaweiCloud
from rotation.drivers.network import login_settings
from rotation.drivers.vendors.huawei_rds.error_codes import ENDPOINT, ENDPOINTS, ENGINE_HINT, STATE_HINT, STATES, TABLE
from rotation.drivers.vendors.huawei_rds.policy import POLICIES

ROOT = "root"
_VARIANTS = {"MySQL": "mysql", "PostgreSQL": "postgresql"}
_PAGE = 100  # the most that the vendor lists at once


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The database account's name.",
        check=settings.matches(r"[^\x00-\x1f\x7f]{1,63}", "must have 1 to 63 characters"),
    )
    project_id: str = settings.setting(
        "Id of the project in the endpoint's region.",
        check=settings.matches(r"[0-9a-f]{32}", "must have 32 hexadecimal digits"),
    )
    instance_id: str = settings.setting(
        "The instance's id.",
        check=settings.matches(r"[A-Za-z0-9]{1,64}", "must be an instance's id, letters and digits"),
    )
    address: str = login_settings.database_address()
    database: str = login_settings.database()
    certificate: str = login_settings.server_certificate()


class HuaweiRds:
    """Resets through the API; a login at the database proves it."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. Repeating it with the same password is harmless."""
        if account.username == ROOT:
            self._call(account, "POST", "/password", {"db_user_pwd": new.reveal()}, on="change")
            return
        body = {"name": account.username, "password": new.reveal()}
        if self._call(account, "POST", "/db_user/resetpwd", body, on="change").get("resp") != "successful":
            raise OutcomeUnknown("the vendor's answer does not say that it reset the password")

    def observe(self, account: Account) -> Observation:
        """Read the instance and look for the account; see ``Observes``.

        Raises:
            AccountUnusable: there is no such instance, or its engine is another one.
        """
        found = _objects(self._call(account, "GET", f"?id={account.instance_id}"), "instances")
        instance = next((each for each in found if each.get("id") == account.instance_id), None)
        if instance is None:
            raise AccountUnusable("there is no such instance", hint="Check project_id and instance_id in the secret.")
        store, state = instance.get("datastore"), str(instance.get("status"))
        variant = _VARIANTS.get(str(store.get("type")) if isinstance(store, dict) else "")
        if variant is None:
            raise AccountUnusable("the instance's engine is neither MySQL nor PostgreSQL", hint=ENGINE_HINT)
        stands = STATES.get(state)
        obstacles = [stands("the instance's state allows no reset", hint=STATE_HINT)] if stands else []
        if account.username != ROOT and not obstacles and not self._knows(account):
            hint = "Check username in the secret; the vendor resets no account that its console does not list."
            obstacles = [AccountUnusable("the instance has no such account", hint=hint)]
        addresses = instance.get(f"{account.address}_ips")
        host = addresses[0] if isinstance(addresses, list) and addresses else None
        login = login_settings.database_login(account, variant, host, instance.get("port"))
        return Observation(variant=variant, state=state, obstacles=tuple(obstacles), login=login)

    def _knows(self, account: Account) -> bool:
        listed, page = _PAGE, 0
        while listed == _PAGE:  # the last page is a shorter one
            page += 1
            users = _objects(self._call(account, "GET", f"/db_user/detail?page={page}&limit={_PAGE}"), "users")
            if any(each.get("name") == account.username for each in users):
                return True
            listed = len(users)
        return False

    def _call(
        self, account: Account, method: str, path: str, body: Mapping[str, object] | None = None, *, on: str = "read"
    ) -> dict[str, object]:
        key, project = self._wiring.admin, {"X-Project-Id": account.project_id}
        api = SignedHuaweiCloud(wiring=self._wiring, table=TABLE, key=key, authorization=project)
        instance = "" if path.startswith("?") else f"/{account.instance_id}"
        return api.call(f"{method} /v3/{account.project_id}/instances{instance}{path}", body or {}, on=on)


def _objects(answer: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    found = answer.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UnexpectedReply(f"the vendor's answer lacks {name}")
    return found


DRIVER = DriverSpec(
    code="huawei_rds",
    name="Huawei Cloud RDS",
    docs="https://support.huaweicloud.com/intl/en-us/api-rds/rds_08_0034.html",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=ENDPOINT,
    endpoints=ENDPOINTS,
    account=Account,
    admin=AccessKey,
    policies=POLICIES,
    factory=HuaweiRds,
    source="Pages rds_05_0011, rds_08_0034 (2025-08-20), rds_11_0001 (2025-12-02); SDK huaweicloudsdkrds 3.1.219",
    checked="2026-11-30",
    not_identity=frozenset({"address", "database", "certificate"}),
    alternates=frozenset({"username"}),
    login_probes=frozenset({"mysql", "postgresql"}),
    propagation_seconds=5,  # assumed: no page says how soon after the answer the login takes it
    error_table=TABLE,
    sdks=("huaweicloudsdkrds",),
)
