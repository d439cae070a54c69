"""Alibaba Cloud ApsaraDB RDS: instances, their accounts and addresses, and the reset of a password.

What the vendor's documents leave open is an attribute of the simulator.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.alibaba_cloud import AlibabaGateway, refusal
from rotation_testkit.doubles.vendor_api.call import Call, Refused, Reply
from rotation_testkit.doubles.vendor_api.database import DatabaseInstance, DatabaseSimulator
from rotation_testkit.doubles.vendor_api.faults import FaultPlan
from rotation_testkit.doubles.vendor_api.signed import SignedSimulator, SigningKey
from rotation_testkit.doubles.vendors.alibaba_rds.second_opinion import account as sound

VERSION = "2014-08-15"
RESET, LOOK = "ResetAccountPassword", "DescribeDBInstanceAttribute"
ACCOUNTS, ADDRESSES = "DescribeAccounts", "DescribeDBInstanceNetInfo"
_STATUSES: Mapping[int, str] = {
    400: "InvalidAccountPassword.Format Account.UpdateError InvalidDBInstanceId.NotFound ProductInstanceReleased"
    " Abs.InvalidAccount.NotFound InvalidAccountName.Forbid RequiredParam.NotFound Parameters.Invalid InvalidParam"
    " InvalidDBInstanceEngineType.Format InvalidEngineVersion.NotSupported Api.NotSupport IncorrectAccountStatus"
    " GeneralIns.Maintaining GeneralIns.Switching InvalideStatus.Format GdnRole.NotSupport Order.InstHasUnpaidOrder"
    " Risk.RiskControlRejection Database.ConnectError SqlExecuteFailedOrTimeout",
    403: "IncorrectAccountType IncorrectMinorVersion IncorrectDBInstanceState OrderStatus.UnPaid NotInFlowController"
    " InvalidUserOperatorPermission",
    404: "InvalidDBInstanceName.NotFound InvalidAccountName.NotFound IncorrectDBInstanceLockMode Request.NotFound",
    500: "ExternalFailure RequestMetaDataFailed InvokeProxyFailure",
}
CODES: Mapping[str, tuple[int, str]] = {
    code: (status, "Refused by the database service.") for status, codes in _STATUSES.items() for code in codes.split()
}
Parameters = Mapping[str, str]


class AlibabaRds(SignedSimulator, DatabaseSimulator):
    """The simulated API of rds.aliyuncs.com, version 2014-08-15.

    Args:
        clock: seconds since the epoch.
        faults: what goes wrong; operations are the action names.
        credentials: the account's key; a fresh one by default.

    Attributes:
        account_status: of accounts by name, where it is another one than Available.
        lock_mode: the instance's; other than Unlock refuses resets.
    """

    request_id_header, running = "x-acs-request-id", "Running"

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        credentials: SigningKey | None = None,
    ) -> None:
        super().__init__(clock=clock, faults=faults)
        self.sign_with(credentials)
        self.account_status: dict[str, str] = {}
        self.lock_mode = "Unlock"
        self._gateway = AlibabaGateway(clock, self.keys)
        self._actions: dict[str, Callable[[Call, DatabaseInstance, Parameters], dict[str, object]]] = {
            RESET: self._reset,
            LOOK: self._attribute,
            ACCOUNTS: self._accounts,
            ADDRESSES: _addresses,
        }

    # The vendor's API.

    def operation(self, call: Call) -> str:
        """Return the action's name."""
        action = call.headers.get("x-acs-action", "")
        return action if action in self._actions else "-"

    def respond(self, call: Call) -> Reply:
        """Check signature, action and instance, then act."""
        given = self._gateway.admit(call)
        if call.headers.get("x-acs-version") != VERSION:
            raise Refused("NoSuchVersion")
        if call.operation == "-" or call.path != "/":
            raise Refused("InvalidApi.NotFound")
        if call.method != "POST":
            raise Refused("UnsupportedHTTPMethod")
        instance = self.instances.get(_needed(given, "DBInstanceId"))
        if instance is None:
            raise Refused("InvalidDBInstanceId.NotFound")
        return Reply.of({"RequestId": call.request_id, **self._actions[call.operation](call, instance, given)})

    def refuse(self, call: Call, refused: Refused) -> Reply:
        """See ``alibaba_cloud.refusal``."""
        return refusal(call, refused, CODES)

    def throttle(self, call: Call) -> Reply:
        """Answer with HTTP 400, as this vendor does."""
        return self.refuse(call, Refused("Throttling.User"))

    # The calls.

    def _reset(self, call: Call, instance: DatabaseInstance, given: Parameters) -> dict[str, object]:
        name, password = _needed(given, "AccountName"), _needed(given, "AccountPassword")
        account = instance.accounts.get(name)
        if account is None:
            raise Refused("Abs.InvalidAccount.NotFound")
        account.attempts += 1
        if instance.status != "Running":
            raise Refused("IncorrectDBInstanceState")
        if self.lock_mode != "Unlock":
            raise Refused("IncorrectDBInstanceLockMode")
        if self.account_status.get(name, "Available") != "Available":
            raise Refused("IncorrectAccountStatus")
        if not sound(password, name, ""):
            raise Refused("InvalidAccountPassword.Format")

        def effect() -> None:
            self.later(self.reset_delay, lambda: instance.reset(name, Secret(password)))

        call.commit(effect)
        return {}

    def _attribute(self, call: Call, instance: DatabaseInstance, given: Parameters) -> dict[str, object]:
        del call, given
        view = {
            "DBInstanceId": instance.instance_id,
            "DBInstanceStatus": instance.status,
            "Engine": instance.engine,
            "EngineVersion": "16.0",
            "ConnectionString": instance.host,
            "Port": str(instance.port),
            "LockMode": self.lock_mode,
            "DBInstanceType": "Primary",
        }
        return {"Items": {"DBInstanceAttribute": [view]}}

    def _accounts(self, call: Call, instance: DatabaseInstance, given: Parameters) -> dict[str, object]:
        del call
        wanted = given.get("AccountName")
        shown = [
            {
                "DBInstanceId": instance.instance_id,
                "AccountName": name,
                "AccountStatus": self.account_status.get(name, "Available"),
                "AccountType": "Normal",
                "DatabasePrivileges": {"DatabasePrivilege": []},
            }
            for name in sorted(instance.accounts)
            if wanted in (None, name)
        ]
        return {"Accounts": {"DBInstanceAccount": shown}, "PageNumber": 1, "TotalRecordCount": len(shown)}


def _needed(given: Parameters, name: str) -> str:
    value = given.get(name, "")
    if not value:
        raise Refused("MissingParameter", name)
    return value


def _addresses(call: Call, instance: DatabaseInstance, given: Parameters) -> dict[str, object]:
    del call, given
    private = {"ConnectionString": instance.host, "Port": str(instance.port), "IPType": "Private"}
    public = {"ConnectionString": instance.public, "Port": str(instance.port), "IPType": "Public"}
    proxy = {"ConnectionString": "proxy.example", "Port": "1", "IPType": "Private"}
    nets = [{**proxy, "ConnectionStringType": "ReadWriteSplitting"}, {**private, "ConnectionStringType": "Normal"}]
    nets += [{**public, "ConnectionStringType": "Normal"}] if instance.public else []
    return {"DBInstanceNetInfos": {"DBInstanceNetInfo": nets}, "InstanceNetworkType": "VPC"}
