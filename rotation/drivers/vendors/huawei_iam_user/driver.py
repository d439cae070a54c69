"""Huawei Cloud IAM: a user's password, reset by an access key where the deployment has one, or changed by the user.

Facts: the IAM API reference (Modifying a User, Changing a Password, tokens, account settings) and huaweicloudsdkiam
3.1.219. A change by the user ends the user's own token. A reset asks for no change at the next login (``pwd_status``).
With a key the account's own password policy and lock-out are read; without one, the strictest that can be set counts:
the third wrong login locks, so one is left to people, and two are enough to heal a rotation whose change was lost.

Undocumented, so read with care: whether the minimum age also binds a reset (it is kept); whether a reset unlocks (a
lock is waited out); how soon a new password works (five seconds are assumed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rotation.core import settings
from rotation.core.errors import (
    AccountUnusable,
    DriverError,
    OldPasswordRejected,
    OutcomeUnknown,
    PreconditionFailed,
)
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Lockout, Observation, TargetRules, Verdict
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families.huawei_iam import WRONG_LOGIN, HuaweiIam, SignedHuaweiIam, part, rules
from rotation.drivers.families.huawei_signature import AccessKey
from rotation.drivers.vendors.huawei_iam_user.error_codes import ENDPOINT, ENDPOINTS, TABLE
from rotation.drivers.vendors.huawei_iam_user.policy import POLICIES

STRICTEST = TargetRules(
    source="the strictest password and login policies that IAM offers",
    min_length=32,
    classes=4,
    max_repeat=1,
    no_username=True,
    history=10,
    lockout=Lockout(tries=3, window_seconds=3600, reserve=1),
)
_ID = settings.matches(r"[0-9a-f]{32}", "must have 32 hexadecimal digits")
_NAME = settings.matches(r"[^\x00-\x1f\x7f]{1,64}", "must have 1 to 64 characters")


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting("The IAM user's name.", check=_NAME)
    user_id: str = settings.setting("The IAM user's id.", check=_ID)
    domain_name: str = settings.setting("Name of the Huawei Cloud account that the user belongs to.", check=_NAME)
    domain_id: str = settings.setting("Id of that account.", check=_ID)


class HuaweiIamUser:
    """Resets or changes the password, and verifies it by a token."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._open = HuaweiIam(wiring=wiring, table=TABLE)

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:
        """Send one reset or, without a key, log in and send one change; see ``Driver``."""
        if self._wiring.admin:
            wanted = {"password": new.reveal(), "pwd_status": False}
            path = f"PUT /v3.0/OS-USER/users/{account.user_id}"
            changed = self._signed(account).call(path, {"user": wanted}, on="change").get("user")
            if not isinstance(changed, dict) or changed.get("id") != account.user_id:
                raise OutcomeUnknown("the vendor's answer does not name the user")
            return
        if current is None:
            raise OldPasswordRejected("the vendor wants the current password and none was given")
        token = self._log_in(account, current)
        user = {"password": new.reveal(), "original_password": current.reveal()}
        api = replace(self._open, authorization={"X-Auth-Token": token.reveal()})
        try:
            api.call(f"POST /v3/users/{account.user_id}/password", {"user": user}, on="change")
        finally:
            self._open.log_out(token)

    def observe(self, account: Account) -> Observation:
        """Read the user and the account's policies with the key; see ``Observes``."""
        if not self._wiring.admin:
            return Observation(variant="default", rules=STRICTEST)
        api = self._signed(account)
        user = part(api.call(f"GET /v3/users/{account.user_id}", {}), "user")
        policies = f"GET /v3.0/OS-SECURITYPOLICY/domains/{account.domain_id}"
        password = part(api.call(f"{policies}/password-policy", {}), "password_policy")
        login = part(api.call(f"{policies}/login-policy", {}), "login_policy")
        return Observation(variant="default", obstacles=tuple(_obstacles(account, user)), rules=rules(password, login))

    def verify(self, account: Account, password: Secret) -> Verdict:
        """Log in and out; see ``Verifies``."""
        try:
            self._open.log_out(self._log_in(account, password))
        except OldPasswordRejected as refusal:
            if refusal.vendor_code == WRONG_LOGIN:
                return Verdict.REJECTED
            raise
        return Verdict.ACCEPTED

    def _log_in(self, account: Account, password: Secret) -> Secret:
        return self._open.log_in(account.username, account.user_id, password, account.domain_name)

    def _signed(self, account: Account) -> SignedHuaweiIam:
        domain = {"X-Domain-Id": account.domain_id}
        return SignedHuaweiIam(wiring=self._wiring, table=TABLE, key=self._wiring.admin, authorization=domain)


def _obstacles(account: Account, user: Mapping[str, object]) -> list[DriverError]:
    found: list[DriverError] = []
    if user.get("name") != account.username or user.get("domain_id") != account.domain_id:
        hint = "Set username, user_id and domain_id to the same user."
        found.append(PreconditionFailed("the user of this id has another name or account", hint=hint))
    if user.get("enabled") is not True:
        found.append(AccountUnusable("the user is disabled", hint="Enable the user in the console."))
    if user.get("access_mode") == "console":
        hint = "Give the user programmatic access too."
        found.append(AccountUnusable("the user may use the console only, so that no login proves it", hint=hint))
    return found


DRIVER = DriverSpec(
    code="huawei_iam_user",
    name="Huawei Cloud IAM user",
    docs="https://support.huaweicloud.com/intl/en-us/api-iam/iam_08_0011.html",
    authority=Authority.SELF,
    evidence=Evidence.LOGIN,
    endpoint=ENDPOINT,
    endpoints=ENDPOINTS,
    account=Account,
    admin=AccessKey,
    admin_optional=True,
    admin_resets=True,
    policies=POLICIES,
    factory=HuaweiIamUser,
    source="IAM API reference (2026-04-22, as Open Telekom Cloud mirrors it); SDK huaweicloudsdkiam 3.1.219",
    checked="2026-11-30",
    alternates=frozenset({"username", "user_id"}),  # with a key only: a record without one is SELF
    lockout=Lockout(tries=5, window_seconds=900, reserve=1),  # the vendor's default
    propagation_seconds=5,  # assumed
    reads_rules=True,
    error_table=TABLE,
    sdks=("huaweicloudsdkiam",),
)
