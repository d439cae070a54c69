"""Volcengine Cloud Identity: users of a single sign-on directory.

Facts: the vendor's page on ResetPassword (2023-01-01, read as of 2025-03-21), volcenginesdk-cloudidentity 5.0.54.
No call of the API checks a password, so the best evidence is that the vendor accepted it. We always make the password
ourselves: one made by the vendor would be lost with a lost reply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import settings
from rotation.core.errors import AccountUnusable, DriverError, PreconditionFailed, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, Observation
from rotation.drivers.contract import DriverSpec, Wiring
from rotation.drivers.families.volcengine import REQUEST_ID_HEADER, Key, Volcengine
from rotation.drivers.vendors.volcengine_cloudidentity.error_codes import ENDPOINT, PORTAL_HINT, SERVICE_HINT, TABLE
from rotation.drivers.vendors.volcengine_cloudidentity.policy import POLICIES

SERVICE, VERSION = "cloudidentity", "2023-01-01"
_OFF = frozenset({"disabled", "disable", "closed", "stopped", "suspended", "off", "notenabled", "not_enabled"})
"""Statuses that mean "no". The vendor publishes no values, so any other word is no obstacle: the reset itself then
refuses definitively (ServiceStatusException, PasswordLoginNotEnable)."""


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The user's name in the directory (UserName).",
        check=settings.matches(r"[^\x00-\x1f\x7f]{1,64}", "must have 1 to 64 characters"),
    )
    user_id: str = settings.setting(
        "The user's id in the directory (UserId), which is not the name.",
        check=settings.matches(r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 letters, digits, dots, dashes or _"),
    )


@dataclass(frozen=True, slots=True)
class Admin:
    """An access key that may look at users and settings and reset passwords."""

    access_key: str = settings.setting("Access key id.", check=settings.matches(r"[!-+\--.0-~]{1,128}", "is malformed"))
    secret_key: Secret = settings.setting("Secret access key.")  # noqa: RUF009 - declares a field
    region: str = settings.setting(
        "Region that signatures are made for.",
        check=settings.matches(r"[a-z0-9-]{1,40}", "must be a region such as cn-beijing"),
        default="cn-beijing",
    )
    session_token: Secret = settings.setting(  # noqa: RUF009 - declares a field
        "Session token of a temporary key.", default=Secret("")
    )


class VolcengineCloudIdentity:
    """Resets through the API; has no login check."""

    def __init__(self, wiring: Wiring) -> None:
        admin: Admin = wiring.admin
        key = Key(admin.access_key, admin.secret_key, admin.region, SERVICE, admin.session_token)
        self._api = Volcengine(wiring=wiring, table=TABLE, key=key, version=VERSION)

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. Repeating it with the same password is harmless.

        The answer may repeat the password, so it is not read.
        """
        body = {
            "UserId": account.user_id,
            "Password": new.reveal(),
            # True would allow one login only, at which a human would have to choose another password.
            "PasswordResetRequired": False,
            "GenerateRandomPassword": False,
        }
        self._api.call("ResetPassword", body, on="change")

    def observe(self, account: Account) -> Observation:
        """Read the user, the service and the portal's login settings; see ``Observes``.

        Raises:
            AccountUnusable: there is no such user.
        """
        user = self._api.call("GetUser", {"UserId": account.user_id})
        if user.get("UserId") != account.user_id:
            raise UnexpectedReply("the vendor's answer is about another user, or about none")
        service = self._listed("GetServiceStatus", "Instances")
        portal = self._listed("ListPortalLoginSettings", "PortalLoginSettings")
        source = str(user.get("Source") or "")
        obstacles = _of_user(account, user, source)
        # An empty list means "off" too.
        if all(map(_off, service)):
            obstacles.append(PreconditionFailed("the service is not running", hint=SERVICE_HINT))
        if all(_off(way) for way in portal if way.get("LoginType") == "Password"):
            obstacles.append(PreconditionFailed("password login is off", hint=PORTAL_HINT))
        return Observation(variant="default", state=source, obstacles=tuple(obstacles))

    def _listed(self, action: str, name: str) -> list[Mapping[str, object]]:
        entries = self._api.call(action, {}).get(name)
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise UnexpectedReply(f"the vendor's answer lacks {name}")
        return entries


def _of_user(account: Account, user: Mapping[str, object], source: str) -> list[DriverError]:
    found: list[DriverError] = []
    if source != "Manual":
        hint = "Users with Source=Sync come from another directory: rotate the password there."
        found.append(AccountUnusable("the user is not mastered in this directory", hint=hint))
    if user.get("UserName") != account.username:
        hint = "Set username and user_id to the same user."
        found.append(PreconditionFailed("the user of this id has another name than the secret's username", hint=hint))
    return found


def _off(entry: Mapping[str, object]) -> bool:
    return str(entry.get("Status")).lower() in _OFF


DRIVER = DriverSpec(
    code="volcengine_cloudidentity",
    name="Volcengine Cloud Identity",
    docs="https://www.volcengine.com/docs/7165/1493425",
    authority=Authority.ADMIN,
    evidence=Evidence.ACCEPTED,
    endpoint=ENDPOINT,
    endpoints=(ENDPOINT,),
    account=Account,
    admin=Admin,
    policies=POLICIES,
    factory=VolcengineCloudIdentity,
    source="Vendor page on ResetPassword (2025-03-21); SDKs volcenginesdk-core and -cloudidentity 5.0.54",
    checked="2026-11-22",
    alternates=frozenset({"username", "user_id"}),
    harmless={"user_id": "does-not-exist", "username": "does-not-exist"},
    request_id_header=REQUEST_ID_HEADER,
    error_table=TABLE,
    sdks=("volcenginesdk-cloudidentity",),
)
