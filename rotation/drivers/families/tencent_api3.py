"""What Tencent's products share beside the signature: the key, regions, reading of answers, and the public codes.

Public codes: the vendor's page on common errors of API 3.0, tencentcloud-sdk-python-common 3.1.195; read 2026-11-30.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

from rotation.core import settings
from rotation.core.errors import (
    AccountUnusable,
    AdminRejected,
    InProgress,
    PermissionDenied,
    PreconditionFailed,
    RateLimited,
    RequestRefused,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.core.secret import Secret
from rotation.core.values import TaskState
from rotation.drivers.contract import Wiring
from rotation.drivers.error_table import SUPPORT_HINT, ErrorRow, endpoint_hint, key_hint, open_after_change
from rotation.drivers.families.tencent_cloud import Key, TencentCloud

_KEY = key_hint("secret_id", "secret_key")
_CLOCK = "Set the clock of the host: API 3.0 takes five minutes of difference."


@dataclass(frozen=True, slots=True)
class Admin:
    """An API key."""

    secret_id: str = settings.setting(
        "SecretId of the key.", check=settings.matches(r"[A-Za-z0-9]{1,64}", "is malformed")
    )
    secret_key: Secret = settings.setting("SecretKey of the key.")  # noqa: RUF009 - declares a field
    session_token: Secret = settings.setting(  # noqa: RUF009 - declares a field
        "Session token of a temporary key.", default=Secret("")
    )


def region() -> str:
    """Declare the region of an account."""
    check = settings.matches(r"[a-z]{2,4}-[a-z0-9-]{2,40}", "must be a region such as ap-beijing")
    field: str = settings.setting("The region, such as ap-beijing.", check=check)
    return field


def api(wiring: Wiring, service: str, version: str, region: str, table: tuple[ErrorRow, ...]) -> TencentCloud:
    """Return a product's API in a region, by the admin credential, which is an ``Admin``."""
    admin: Admin = wiring.admin
    key = Key(admin.secret_id, admin.secret_key, service, admin.session_token)
    return TencentCloud(wiring=wiring, table=table, key=key, version=version, region=region)


class InRegion(Protocol):
    """An account of a product that is called region by region."""

    @property
    def region(self) -> str:
        """The region, such as ap-beijing."""


class TencentProduct:
    """What a driver of one product inherits: its calls, by the admin credential and in the account's region.

    Attributes:
        service: what calls are signed for, such as ``cvm``.
        version: the API's.
        table: the product's codes.
    """

    service: ClassVar[str]
    version: ClassVar[str]
    table: ClassVar[tuple[ErrorRow, ...]]

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    def call(
        self, account: InRegion, action: str, body: Mapping[str, object], *, on: str = "read"
    ) -> dict[str, object]:
        """Make one call; see ``VendorApi``."""
        return api(self.wiring, self.service, self.version, account.region, self.table).call(action, body, on=on)


def chosen(which: str, *, public: object, private: object) -> str | None:
    """Return the address that a setting chooses, of a list the first; ``None`` where the vendor tells none."""
    found = {name: _host(value) for name, value in (("public", public), ("private", private))}
    return (found["public"] or found["private"]) if which == "auto" else found[which]


def _host(value: object) -> str | None:
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, str) and re.fullmatch(r"[A-Za-z0-9.:-]{1,255}", first) else None


def entries(value: object) -> list[Mapping[str, object]]:
    """Read a list of objects.

    Raises:
        UnexpectedReply: it is not a list of objects.
    """
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise UnexpectedReply("the vendor's answer lacks a list where one belongs")
    return value


def one(answer: object, name: str, instance_id: str, *, key: str = "InstanceId") -> Mapping[str, object]:
    """Return the instance of this id from the list of an answer; ``key`` is where an entry has its id.

    Raises:
        AccountUnusable: it is not there.
        UnexpectedReply: the list is missing.
    """
    for entry in entries(answer.get(name) if isinstance(answer, dict) else None):
        if entry.get(key) == instance_id:
            return entry
    raise AccountUnusable("there is no such instance", hint="Check region and instance_id in the secret.")


def latest_change(instance: Mapping[str, object]) -> TaskState:
    """Return how far an instance's latest reset is; an operation that follows it may fail without its fault."""
    state = instance.get("LatestOperationState")
    if state == "OPERATING":
        return TaskState.RUNNING
    failed = state == "FAILED" and "Password" in str(instance.get("LatestOperation"))
    return TaskState.FAILED if failed else TaskState.DONE


def whole(value: object) -> int:
    """Read a whole number; v2 writes those of a device as text.

    Raises:
        UnexpectedReply: it is not a whole number.
    """
    if not re.fullmatch(r"[0-9]{1,18}", str(value)):
        raise UnexpectedReply("the vendor's answer lacks a number where one belongs")
    return int(str(value))


def is_windows(*names: object) -> bool:
    """Return whether any of an operating system's names looks like Windows."""
    return any(re.search(r"(?<![a-z])win", str(name), re.IGNORECASE) for name in names)


def variant(what: str, *, windows: bool | None) -> str:
    """Return which policy a machine has, named as in "the instance".

    Raises:
        PreconditionFailed: the vendor does not name its operating system.
    """
    if windows is None:
        hint = "Reinstall it from one of the vendor's images, or take this secret out of rotation."
        raise PreconditionFailed(f"the vendor does not tell which operating system {what} runs", hint=hint)
    return "windows" if windows else "linux"


def table(own: Iterable[ErrorRow], *, driver: str, endpoint: str, fields: str, rights: str) -> tuple[ErrorRow, ...]:
    """Return a product's own rows, and the public ones of all other codes.

    Args:
        own: the product's rows.
        driver: its code.
        endpoint: its default endpoint.
        fields: the hint that names the account's keys which may be wrong.
        rights: the hint that names the calls which the key must be allowed.
    """
    own = tuple(own)
    named = {row.vendor_code for row in own}
    public = _public(endpoint_hint(driver, endpoint), fields, rights)
    return own + tuple(row for row in public if row.vendor_code not in named)


def _public(call: str, fields: str, rights: str) -> list[ErrorRow]:
    look = "Look at the resource in the console."
    return [
        *_credentials(rights),
        ErrorRow("ActionOffline", RequestRefused, "the vendor no longer offers this call", call),
        *open_after_change("FailedOperation", "the operation failed", SUPPORT_HINT),
        *open_after_change("InternalError", "the vendor failed inside"),
        ErrorRow("InvalidAction", RequestRefused, "the vendor does not know the action", call),
        ErrorRow("InvalidParameter", AccountUnusable, "the vendor refused a parameter", fields),
        ErrorRow("InvalidParameterValue", AccountUnusable, "the vendor refused a parameter", fields),
        ErrorRow("InvalidRequest", RequestRefused, "the vendor cannot read the request", call),
        ErrorRow("LimitExceeded", PreconditionFailed, "a quota of the vendor is used up", "Raise the quota."),
        ErrorRow("MissingParameter", RequestRefused, "the vendor missed a parameter", call),
        ErrorRow("NoSuchProduct", RequestRefused, "the vendor does not know the product", call),
        ErrorRow("NoSuchVersion", RequestRefused, "the vendor no longer knows the version", call),
        ErrorRow("OperationDenied", PreconditionFailed, "the vendor denies the operation", look),
        ErrorRow("RequestLimitExceeded", RateLimited, "the vendor throttles"),
        ErrorRow("RequestLimitExceeded.GlobalRegionUinLimitExceeded", RateLimited, "the vendor throttles this account"),
        ErrorRow("RequestLimitExceeded.IPLimitExceeded", RateLimited, "the vendor throttles this address"),
        ErrorRow("RequestLimitExceeded.UinLimitExceeded", RateLimited, "the vendor throttles this vendor account"),
        ErrorRow("RequestSizeLimitExceeded", RequestRefused, "the vendor finds the request too large", call),
        ErrorRow("ResourceInUse", InProgress, "the resource is in use"),
        ErrorRow("ResourceInsufficient", VendorUnavailable, "the vendor lacks resources"),
        ErrorRow("ResourceNotFound", AccountUnusable, "the resource does not exist", fields),
        ErrorRow("ResourceUnavailable", AccountUnusable, "the resource is not available", look),
        *open_after_change("ResponseSizeLimitExceeded", "the vendor's answer was too large to send"),
        ErrorRow("ServiceUnavailable", VendorUnavailable, "the service is unavailable"),
        ErrorRow("UnknownParameter", RequestRefused, "the vendor does not know a parameter", call),
        ErrorRow("UnsupportedOperation", PreconditionFailed, "the vendor does not support the operation now", look),
        ErrorRow("UnsupportedProtocol", RequestRefused, "the vendor does not take the protocol", call),
        ErrorRow("UnsupportedRegion", AccountUnusable, "the vendor does not know the region", fields),
    ]


def _credentials(rights: str) -> list[ErrorRow]:
    lists = "Change the list of addresses in the key's policy."
    return [
        ErrorRow("AuthFailure", AdminRejected, "the vendor refused the key", _KEY),
        ErrorRow("AuthFailure.InvalidAuthorization", AdminRejected, "the vendor found the signature malformed", _KEY),
        ErrorRow("AuthFailure.InvalidSecretId", AdminRejected, "the vendor does not take this kind of key", _KEY),
        ErrorRow("AuthFailure.MFAFailure", AdminRejected, "the vendor wants a second factor", _KEY),
        ErrorRow("AuthFailure.SecretIdNotFound", AdminRejected, "the vendor does not know the key", _KEY),
        ErrorRow("AuthFailure.SignatureExpire", AdminRejected, "the vendor found the signature too old or new", _CLOCK),
        ErrorRow("AuthFailure.SignatureFailure", AdminRejected, "the vendor refused the signature", _KEY),
        ErrorRow("AuthFailure.TokenFailure", AdminRejected, "the vendor wants a session token", _KEY),
        ErrorRow("AuthFailure.UnauthorizedOperation", PermissionDenied, "the key lacks a right", rights),
        ErrorRow("IpInBlacklist", AdminRejected, "the vendor blocks this address", lists),
        ErrorRow("IpNotInWhitelist", AdminRejected, "the vendor does not allow this address", lists),
        ErrorRow("UnauthorizedOperation", PermissionDenied, "the key lacks a right", rights),
    ]
