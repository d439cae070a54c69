"""Redfish: an account of a management controller (HPE iLO, Dell iDRAC, Lenovo XCC, Supermicro, OpenBMC and others).

Facts: DMTF's DSP0266 and DSP0268 (AccountService, ManagerAccount, SessionService, Task); redfish 3.4.2, sushy 5.14.0.
The admin credential is another account of the device: it resets by Basic logins, which leave no session behind. A login
with the new password makes a session, which is deleted. The device itself tells its lengths, its lock-out and its
maker.

Not in the standard, so read with care: whether the answer to a wrong login says that the account is locked (the driver
looks at the account before "wrong" counts); how wrong logins are forgotten (those since the last right one count for a
day); how soon a new password works (five seconds are assumed). HTTP 401 without a message is the wrong password.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountLocked, AccountUnusable, DriverError, LoginRejected, PreconditionFailed
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation, Progress, Task, Verdict
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families.redfish import ACCOUNT_SERVICE, ROOT, Redfish, basic, rules, whole
from rotation.drivers.vendors.redfish_bmc.error_codes import ENDPOINT, TABLE
from rotation.drivers.vendors.redfish_bmc.policy import POLICIES

_NAME = settings.matches(r"[^:\x00-\x1f\x7f]{1,64}", "must have 1 to 64 characters and no colon")


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting("The account's name (UserName).", check=_NAME)
    account_id: str = settings.setting(
        "The account's id: the last part of its address in AccountService/Accounts.",
        check=settings.matches(r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 letters, digits, dots, dashes or _"),
    )
    address: str = settings.setting(
        "The controller's host, with a port if that is not 443; by default the deployment's endpoint.",
        check=settings.matches(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?", "must be a host or an address, or host:port"),
        default="",
    )


@dataclass(frozen=True, slots=True)
class Admin:
    """Another account of the device, which may configure users."""

    username: str = settings.setting("The administrator's name.", check=_NAME)
    password: Secret = settings.setting("The administrator's password.")  # noqa: RUF009 - declares a field


class RedfishBmc:
    """Resets with an administrator's account, and verifies by a session."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> Task | None:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one change; see ``Driver``. Repeating it with the same password is harmless."""
        return self._admin(account).patch(_path(account), {"Password": new.reveal()})

    def poll(self, account: Account, task: Task) -> Progress:
        """Read the task's state; see ``Polls``."""
        return self._admin(account).progress(task)

    def observe(self, account: Account) -> Observation:
        """Read the device's maker and rules, and the account; see ``Observes``."""
        root = self._admin(account).get(ROOT).body
        service = self._admin(account).get(ACCOUNT_SERVICE).body
        seen = self._admin(account).get(_path(account)).body
        found: list[DriverError] = []
        if seen.get("UserName") != account.username:
            hint = "Set username and account_id to the same account."
            found.append(PreconditionFailed("the account of this id has another name", hint=hint))
        if seen.get("Enabled") is False:
            found.append(AccountUnusable("the account is disabled", hint="Enable the account at the device."))
        if seen.get("Locked") is True:
            found.append(self._locked(service))
        if service.get("RequireChangePasswordAction") is True:
            hint = "Switch RequireChangePasswordAction off in the device's AccountService."
            found.append(PreconditionFailed("the device takes passwords by another call only", hint=hint))
        return Observation(variant="default", obstacles=tuple(found), rules=rules(service, root))

    def verify(self, account: Account, password: Secret) -> Verdict:
        """Log in and out; see ``Verifies``. A rejection counts only while the account is not locked."""
        try:
            self._api(account).log_in(account.username, password)
        except LoginRejected:
            if self._admin(account).get(_path(account)).body.get("Locked") is not True:
                return Verdict.REJECTED
        else:
            return Verdict.ACCEPTED
        raise self._locked(self._admin(account).get(ACCOUNT_SERVICE).body)

    def _locked(self, service: Mapping[str, object]) -> AccountLocked:
        until = self._wiring.now() + whole(service, "AccountLockoutDuration")
        return AccountLocked("the account is locked after wrong logins", not_before=until)

    def _admin(self, account: Account) -> Redfish:
        admin: Admin = self._wiring.admin
        return self._api(account, basic(admin.username, admin.password))

    def _api(self, account: Account, headers: Mapping[str, str] | None = None) -> Redfish:
        scheme, _, netloc = self._wiring.endpoint.partition("://")
        base = f"{scheme}://{account.address or netloc}"
        return Redfish(wiring=self._wiring, table=TABLE, base=base, headers=headers or {})


def _path(account: Account) -> str:
    return f"{ACCOUNT_SERVICE}/Accounts/{account.account_id}"


DRIVER = DriverSpec(
    code="redfish_bmc",
    name="Redfish management controller",
    docs="https://redfish.dmtf.org/",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=ENDPOINT,
    endpoints=(ENDPOINT,),
    account=Account,
    admin=Admin,
    policies=POLICIES,
    factory=RedfishBmc,
    source="DMTF DSP0266 and DSP0268 (AccountService, SessionService, Task); redfish 3.4.2, sushy 5.14.0",
    checked="2026-11-30",
    harmless={"username": "does-not-exist", "account_id": "does-not-exist"},
    propagation_seconds=5,
    call_seconds=25,  # management controllers are slow
    poll_seconds=5,
    reads_rules=True,
    error_table=TABLE,
    sdks=("redfish", "sushy"),
)
