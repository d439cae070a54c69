"""UCloud CompShare: GPU containers (virtual machines are recognised and refused).

Facts: the vendor's page on ResetCompShareInstancePassword, and DescribeCompShareInstance in its public action list.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

from rotation import settings
from rotation.drivers import _ucloud
from rotation.drivers._ucloud_codes import TABLE
from rotation.errors import (
    AccountUnusable,
    DriverError,
    InProgress,
    PreconditionFailed,
    UnexpectedReply,
    VendorUnavailable,
)
from rotation.model import Authority, DriverSpec, Evidence, LoginTarget, Observation, Wiring
from rotation.policy import VENDOR_POLICIES
from rotation.secret import Secret

_ID = settings.matches(r"[A-Za-z0-9._-]{1,64}", "must have 1 to 64 letters, digits, dots, dashes or underscores")
_KEY_LINE = settings.matches(
    r"[a-z0-9@.-]{1,64} [A-Za-z0-9+/]{16,4096}={0,2}", "must be one line: key type, blank, base64"
)
_PASSING = frozenset({"Initializing", "Starting", "Stopping", "Rebooting", "Resizing", "Pending", "Reinstalling"})


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    region: str = settings.setting("Region of the instance, such as cn-wlcb.", check=_ID)
    zone: str = settings.setting("Zone of the instance, such as cn-wlcb-01.", check=_ID)
    uhost_id: str = settings.setting("The instance's id, uhost-….", check=_ID)
    username: str = settings.setting("The instance's own login: root, or ubuntu on Ubuntu images.", check=_ID)
    project_id: str = settings.setting("The project; sub-accounts must name it.", check=_ID, default="")
    host_key: str = settings.setting("The host's SSH key as in known_hosts, no host.", check=_KEY_LINE, default="")


@dataclass(frozen=True, slots=True)
class Admin:
    """An API key that may describe and reset instances."""

    public_key: str = settings.setting("Public key of the API key pair.")
    private_key: Secret = settings.setting("Private key of the API key pair.")  # noqa: RUF009 - declares a field


class UCloudCompShare:
    """Resets through the API; the login is proved by the shared SSH probe."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the port's signature; an ADMIN reset needs no old password
        """Send one reset; see ``ports.Driver``. RetCode 0 proves that the vendor took it, not that the guest did.

        Repeating it with the same password is harmless.
        """
        password = base64.b64encode(new.reveal().encode()).decode()
        params = {**_place(account), "UHostId": account.uhost_id, "Password": password}
        self._call("ResetCompShareInstancePassword", params, changes=True)

    def observe(self, account: Account) -> Observation:
        """Describe the instance; see ``ports.Observes``.

        Raises:
            AccountUnusable: there is no such instance in that place.
        """
        params = {**_place(account), "UHostIds": [account.uhost_id], "Offset": 0, "Limit": 20}
        answer = self._call("DescribeCompShareInstance", params, changes=False)
        # The answer holds the passwords of all instances that it lists, hence only ours is looked at.
        hosts = answer.get("UHostSet")
        if not isinstance(hosts, list):
            raise UnexpectedReply("the vendor's answer lacks UHostSet")
        for host in hosts:
            if isinstance(host, dict) and host.get("UHostId") == account.uhost_id:
                return _observation(account, host)
        raise AccountUnusable("there is no such instance", hint="Check region, zone, uhost_id and project_id.")

    def _call(self, action: str, params: Mapping[str, object], *, changes: bool) -> dict[str, object]:
        admin: Admin = self._wiring.admin
        return _ucloud.call(
            self._wiring.http,
            self._wiring.endpoint,
            action,
            params,
            public_key=admin.public_key,
            private_key=admin.private_key,
            table=TABLE,
            changes=changes,
        )


def _place(account: Account) -> dict[str, object]:
    return {"Region": account.region, "Zone": account.zone, "ProjectId": account.project_id or None}


def _observation(account: Account, host: Mapping[str, object]) -> Observation:
    container = host.get("InstanceType") == "Container"
    # The documents know "UHost", others have seen "Normal": whatever is no container is a machine.
    variant = "container" if container else "windows" if host.get("OsType") == "Windows" else "linux"
    state = str(host.get("State") or "")
    login = _login(account, host.get("SshLoginCommand"))
    obstacles = [*_lifecycle(state, host.get("IsExpire"))]
    if not container:
        obstacles.append(
            PreconditionFailed(
                "virtual machines are not rotated yet, only containers",
                hint="Take this secret out of rotation; a virtual machine must be stopped for a reset.",
            )
        )
    if login is not None and login.username != account.username:
        obstacles.append(
            PreconditionFailed(
                "the vendor resets the instance's own login, which is not the secret's username",
                hint="Set username to the user of the instance's SSH login command in the console.",
            )
        )
    return Observation(
        variant=variant,
        state=state,
        obstacles=tuple(obstacles),
        login=login,
        readback=_readback(host.get("Password")),
        found={"power": state.lower()} if state in {"Running", "Stopped"} else {},
    )


def _lifecycle(state: str, expired: object) -> list[DriverError]:
    found: list[DriverError] = []
    if expired == "Yes":
        found.append(AccountUnusable("the instance has expired", hint="Renew the instance."))
    if state in _PASSING:
        found.append(InProgress("the instance is changing its state"))
    elif not state:  # the vendor's words: unknown, or its backend timed out
        found.append(VendorUnavailable("the vendor does not know the instance's state"))
    elif state not in {"Running", "Stopped"}:
        hint = "Look at the instance in the console."
        found.append(AccountUnusable("the instance is in no state in which it can be reset", hint=hint))
    return found


def _login(account: Account, command: object) -> LoginTarget | None:
    """Read ``ssh -p 23 root@HOST``, options on either side of the target."""
    if not isinstance(command, str):
        return None
    target = re.search(r"(?:^|\s)([A-Za-z0-9._-]+)@([A-Za-z0-9.:-]+)(?=\s|$)", command)
    port = re.search(r"\s-p\s*([0-9]{1,5})(?=\s|$)", command)
    if target is None or not command.lstrip().startswith("ssh "):
        return None
    return LoginTarget("ssh", target[2], int(port[1]) if port else 22, target[1], account.host_key or None)


def _readback(stored: object) -> Secret | None:
    """Decode the stored password; old ones are not base64 (the vendor's own CLI copes with that, too)."""
    if not isinstance(stored, str) or not stored:
        return None
    try:
        return Secret(base64.b64decode(stored, validate=True).decode())
    except (binascii.Error, ValueError):
        return Secret(stored)


DRIVER = DriverSpec(
    code="ucloud_compshare",
    name="UCloud CompShare",
    docs="https://www.compshare.cn/docs",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint="https://api.compshare.cn",
    endpoints=("https://api.compshare.cn", "https://api.ucloud.cn"),
    account=Account,
    admin=Admin,
    policies=VENDOR_POLICIES["ucloud_compshare"],
    factory=UCloudCompShare,
    source="Vendor pages on ResetCompShareInstancePassword and DescribeCompShareInstance; API error code lists",
    checked="2026-11-22",
    not_identity=frozenset({"host_key"}),
    login_probe="ssh",
    propagation_seconds=5,  # assumed: the vendor does not say how long a guest takes
    call_seconds=15,
    request_id_header=_ucloud.REQUEST_ID_HEADER,
    error_table=TABLE,
)
