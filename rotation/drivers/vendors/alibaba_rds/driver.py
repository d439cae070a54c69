"""Alibaba Cloud ApsaraDB RDS: an account of a MySQL, MariaDB or PostgreSQL instance, proved by a login there.

Facts: the vendor's pages on ResetAccountPassword 2014-08-15 (read as of 2024-07-05 and 2026-04-18), on instance states
(2024-10-28) and on DescribeAccounts; alibabacloud-rds20140815 16.0.2. The vendor answers at once and has no task.

Undocumented, so read with care: how long after the answer the new password works (30 seconds are assumed); which states
of an account forbid a reset (any other than Available counts as one); whether an account with a row of its own for each
host exists (the call names none).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, DriverError, InProgress, PreconditionFailed, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, LoginTarget, Observation
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families.alibaba_cloud import REQUEST_ID_HEADER, AccessKey, AlibabaCloud
from rotation.drivers.network import login_settings
from rotation.drivers.vendors.alibaba_rds import error_codes
from rotation.drivers.vendors.alibaba_rds.policy import POLICIES

VERSION = "2014-08-15"
_VARIANTS = {"MySQL": "mysql", "MariaDB": "mysql", "PostgreSQL": "postgresql"}
_LASTING = frozenset({"Deleting", "Stopping", "Stopped", "Released"})
"""States that do not pass by themselves. The vendor resets in Running alone."""
_NETWORKS = {"private": ("Private", "Inner"), "public": ("Public",)}


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The database account's name.",
        check=settings.matches(r"[^\x00-\x1f\x7f]{1,63}", "must have 1 to 63 characters"),
    )
    instance_id: str = settings.setting(
        "The instance's id, such as rm-… or pgm-….",
        check=settings.matches(r"[a-z0-9-]{1,64}", "must be an instance's id, such as rm-…"),
    )
    address: str = login_settings.database_address()
    database: str = login_settings.database()
    certificate: str = login_settings.server_certificate()


class AlibabaRds:
    """Resets through the API; a login at the database proves it."""

    def __init__(self, wiring: Wiring) -> None:
        self._api = AlibabaCloud(wiring=wiring, table=error_codes.TABLE, key=wiring.admin, version=VERSION)

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. Repeating it with the same password is harmless."""
        body = {"AccountName": account.username, "AccountPassword": new.reveal()}
        self._api.call("ResetAccountPassword", {"DBInstanceId": account.instance_id, **body}, on="change")

    def observe(self, account: Account) -> Observation:
        """Read the instance, its account and its addresses; see ``Observes``.

        Raises:
            AccountUnusable: there is no such instance, or its engine is another one.
        """
        found = self._look(account, "DBInstanceAttribute", "Items", "DBInstanceAttribute")
        instance = next((each for each in found if each.get("DBInstanceId") == account.instance_id), None)
        if instance is None:
            raise UnexpectedReply("the vendor's answer is about another instance, or about none")
        variant = _VARIANTS.get(str(instance.get("Engine")))
        if variant is None:
            message = "the instance's engine is none of MySQL, MariaDB and PostgreSQL"
            raise AccountUnusable(message, hint=error_codes.ENGINE_HINT)
        state = str(instance.get("DBInstanceStatus"))
        obstacles = _of_state(state) or self._of_account(account)
        nets = self._look(account, "DBInstanceNetInfo", "DBInstanceNetInfos", "DBInstanceNetInfo")
        login = _login(account, nets, variant)
        return Observation(variant=variant, state=state, obstacles=tuple(obstacles), login=login)

    def _of_account(self, account: Account) -> list[DriverError]:
        found = self._look(account, "Accounts", "Accounts", "DBInstanceAccount", AccountName=account.username)
        mine = next((each for each in found if each.get("AccountName") == account.username), None)
        if mine is None:
            return [AccountUnusable("the instance has no such account", hint=error_codes.ACCOUNT_HINT)]
        if mine.get("AccountStatus") == "Available":
            return []
        return [InProgress("the account is locked, or the vendor is at work on it", hint=error_codes.STATE_HINT)]

    def _look(self, account: Account, what: str, outer: str, inner: str, **more: str) -> list[Mapping[str, object]]:
        answer = self._api.call(f"Describe{what}", {"DBInstanceId": account.instance_id, **more})
        items = answer.get(outer)
        found = items.get(inner) if isinstance(items, dict) else None
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise UnexpectedReply(f"the vendor's answer lacks {inner}")
        return found


def _of_state(state: str) -> list[DriverError]:
    if state == "Running":
        return []
    if state in _LASTING:
        return [PreconditionFailed("the instance does not run", hint=error_codes.STATE_HINT)]
    return [InProgress("the vendor is still at work on the instance", hint=error_codes.STATE_HINT)]


def _login(account: Account, nets: list[Mapping[str, object]], variant: str) -> LoginTarget | None:
    for net in nets:
        plain = net.get("ConnectionStringType") in (None, "Normal")  # others go through a proxy, or to replicas
        login = login_settings.database_login(account, variant, net.get("ConnectionString"), net.get("Port"))
        if login and plain and net.get("IPType") in _NETWORKS[account.address]:
            return login
    return None


DRIVER = DriverSpec(
    code="alibaba_rds",
    name="Alibaba Cloud ApsaraDB RDS",
    docs="https://www.alibabacloud.com/help/en/rds/developer-reference/api-rds-2014-08-15-resetaccountpassword",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=error_codes.ENDPOINT,
    endpoints=error_codes.ENDPOINTS,
    account=Account,
    admin=AccessKey,
    policies=POLICIES,
    factory=AlibabaRds,
    source="Pages on ResetAccountPassword (2026-04-18), signature V3 (2026-06-02); alibabacloud-rds20140815 16.0.2",
    checked="2026-11-30",
    not_identity=frozenset({"address", "database", "certificate"}),
    alternates=frozenset({"username"}),
    harmless={"instance_id": "rm-does-not-exist", "username": "does-not-exist"},
    login_probes=frozenset({"mysql", "postgresql"}),
    propagation_seconds=30,  # assumed: the vendor applies a reset some time after its answer, and does not say when
    request_id_header=REQUEST_ID_HEADER,
    error_table=error_codes.TABLE,
    sdks=("alibabacloud-rds20140815",),
)
