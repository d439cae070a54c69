"""The driver of a machine product: one set of calls, named after the product's noun."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from rotation.core import settings
from rotation.core.errors import AccountUnusable, UnexpectedReply
from rotation.core.secret import Secret
from rotation.core.values import Observation
from rotation.drivers.contract import Wiring
from rotation.drivers.error_table import ErrorRow
from rotation.drivers.families.ucloud import UCloud
from rotation.drivers.families.ucloud_machines.machine import Machine

A = TypeVar("A", bound=Machine)


@dataclass(frozen=True, slots=True)
class Admin:
    """An API key that may describe, reset, stop and start instances."""

    public_key: str = settings.setting("Public key of the API key pair.")
    private_key: Secret = settings.setting("Private key of the API key pair.")  # noqa: RUF009 - declares a field
    session_token: Secret = settings.setting(  # noqa: RUF009 - declares a field
        "Session token of a temporary key.", default=Secret("")
    )


class UCloudMachines(ABC, Generic[A]):
    """Resets through the API; a login is proved by the shared probes, SSH or, on Windows, WinRM.

    Attributes:
        noun: what the product's actions are named after, such as ``UHostInstance`` in ``StopUHostInstance``.
        table: the product's return codes.
    """

    noun: ClassVar[str]
    table: ClassVar[tuple[ErrorRow, ...]]

    def __init__(self, wiring: Wiring) -> None:
        admin: Admin = wiring.admin
        key, token = admin.private_key, admin.session_token
        self._api = UCloud(wiring=wiring, table=self.table, public_key=admin.public_key, private_key=key, token=token)

    @abstractmethod
    def seen(self, account: A, host: Mapping[str, object]) -> Observation:
        """Return what the vendor's entry for the account's machine shows."""

    def set_password(self, account: A, new: Secret, *, current: Secret | None) -> None:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. RetCode 0 proves that the vendor accepted it, not that the guest did.

        Repeating it with the same password is harmless.
        """
        password = base64.b64encode(new.reveal().encode()).decode()
        params = {**_place(account), "UHostId": account.uhost_id, "Password": password}
        self._api.call(f"Reset{self.noun}Password", params, on="change")

    def observe(self, account: A) -> Observation:
        """Describe the instance; see ``Observes``.

        Raises:
            AccountUnusable: there is no such instance in that place.
        """
        params = {**_place(account), "UHostIds": [account.uhost_id], "Offset": 0, "Limit": 20}
        answer = self._api.call(f"Describe{self.noun}", params)
        # The answer may hold the passwords of all instances that it lists, so we read only ours.
        hosts = answer.get("UHostSet")
        if not isinstance(hosts, list):
            raise UnexpectedReply("the vendor's answer lacks UHostSet")
        for host in hosts:
            if isinstance(host, dict) and host.get("UHostId") == account.uhost_id:
                return self.seen(account, host)
        raise AccountUnusable("there is no such instance", hint="Check region, zone, uhost_id and project_id.")

    def stop(self, account: A) -> None:
        """Ask for the machine to be stopped; see ``Powers``. A post-paid one gives its capacity back."""
        self._api.call(f"Stop{self.noun}", {**_place(account), "UHostId": account.uhost_id}, on="change")

    def start(self, account: A) -> None:
        """Ask for the machine to be started; see ``Powers``. Fails while capacity is lacking (CompShare: 226604)."""
        self._api.call(f"Start{self.noun}", {**_place(account), "UHostId": account.uhost_id}, on="change")


def _place(account: Machine) -> dict[str, object]:
    return {"Region": account.region, "Zone": account.zone, "ProjectId": account.project_id or None}
