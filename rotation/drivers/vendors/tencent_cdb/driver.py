"""TencentDB for MySQL: one account of an instance, ``user@host``, changed by a task and proved by a login.

Facts: tencentcloud-sdk-python-cdb 3.1.192 and the vendor's page on ModifyAccountPassword (2017-03-20). A task may wait
for the instance's maintenance window (``UNDEFINED``); it is polled by later runs until it has ended.

Not documented, and read with care: which of several hosts of one user a login from here meets is the server's choice,
so such a user is refused; so is an account whose password the vendor itself rotates (``OpenCam``). A task that was
killed or removed counts as failed: the same password is sent again, which is harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rotation.core import errors, settings
from rotation.core.secret import Secret
from rotation.core.values import Authority, Evidence, LoginTarget, Observation, Progress, Task, TaskState
from rotation.drivers.contract import DriverSpec
from rotation.drivers.families import tencent_api3
from rotation.drivers.families.tencent_cloud import REQUEST_ID_HEADER
from rotation.drivers.network import login_settings
from rotation.drivers.vendors.tencent_cdb.error_codes import ENDPOINT, TABLE, TASK_STATES, TASK_UNKNOWN
from rotation.drivers.vendors.tencent_cdb.policy import POLICIES

_RUNNING, _ISOLATED = 1, (4, 5)
_IDLE = (0, 17)  # no task; an upgrade that has been completed
_READ_ONLY = 3


@dataclass(frozen=True, slots=True)
class Account:
    """The account's own keys in the rotated secret."""

    username: str = settings.setting(
        "The account's user.", check=settings.matches(r"[A-Za-z0-9_.-]{1,32}", "must be a user of 1 to 32 characters")
    )
    instance_id: str = settings.setting(
        "The instance's id, cdb-….", check=settings.matches(r"cdb-[A-Za-z0-9]{1,60}", "must be an instance's id, cdb-…")
    )
    region: str = tencent_api3.region()
    host: str = settings.setting(
        "The account's host, as the vendor lists it; % stands for any.",
        check=settings.matches(r"[A-Za-z0-9%_.:/-]{1,60}", "must be a host as in user@host"),
        default="%",
    )
    address: str = login_settings.database_address()
    database: str = login_settings.database()
    certificate: str = login_settings.server_certificate()


class TencentCdb(tencent_api3.TencentProduct):
    """Resets through the API; a login at the database proves it."""

    service, version, table = "cdb", "2017-03-20", TABLE

    def set_password(self, account: Account, new: Secret, *, current: Secret | None) -> Task:  # noqa: ARG002 - the contract's signature; an ADMIN reset needs no old password
        """Send one reset; see ``Driver``. Repeating it with the same password is harmless."""
        accounts = [{"User": account.username, "Host": account.host}]
        body = {"InstanceId": account.instance_id, "NewPassword": new.reveal(), "Accounts": accounts}
        task = self.call(account, "ModifyAccountPassword", body, on="change").get("AsyncRequestId")
        if isinstance(task, str) and Task.is_id(task):
            return Task(task)
        raise errors.OutcomeUnknown("the vendor took the reset but named no task")

    def poll(self, account: Account, task: Task) -> Progress:
        """Read the state of the task; see ``Polls``. A task that the vendor no longer knows counts as failed."""
        try:
            status = self.call(account, "DescribeAsyncRequestInfo", {"AsyncRequestId": task.id}).get("Status")
        except errors.DriverError as refusal:
            if refusal.vendor_code not in TASK_UNKNOWN:
                raise
            return Progress(TaskState.FAILED, "the vendor no longer knows the task")
        if str(status) not in TASK_STATES:
            raise errors.UnexpectedReply("the vendor shows an unknown state of the task")
        return Progress(TASK_STATES[str(status)], str(status))

    def observe(self, account: Account) -> Observation:
        """Describe the instance and look for the account; see ``Observes``.

        Raises:
            AccountUnusable: there is no such instance in that region.
        """
        body = {"InstanceIds": [account.instance_id], "Offset": 0, "Limit": 20}
        instance = tencent_api3.one(self.call(account, "DescribeDBInstances", body), "Items", account.instance_id)
        obstacles = _obstacles(instance) or self._doubts(account)
        state = str(instance.get("Status"))
        return Observation("mysql", state, tuple(obstacles), login=_login(account, instance))

    def _doubts(self, account: Account) -> list[errors.DriverError]:
        body = {"InstanceId": account.instance_id, "AccountRegexp": f"^{account.username}$", "Offset": 0, "Limit": 100}
        listed = tencent_api3.entries(self.call(account, "DescribeAccounts", body).get("Items"))
        hosts = {str(one.get("Host")): one for one in listed if one.get("User") == account.username}
        if account.host not in hosts:
            hint = "Check username and host in the secret."
            return [errors.AccountUnusable("the instance has no such account", hint=hint)]
        if len(hosts) > 1:
            message = "the user has several hosts, and a login cannot tell which of them it proves"
            hint = "Leave the user one host, or give each host a user of its own."
            return [errors.PreconditionFailed(message, hint=hint)]
        if hosts[account.host].get("OpenCam"):
            hint = "Switch the vendor's rotation of this account off."
            return [errors.PreconditionFailed("the vendor itself rotates this account's password", hint=hint)]
        return []


def _obstacles(instance: Mapping[str, object]) -> list[errors.DriverError]:
    look = "Look at the instance in the console."
    if instance.get("Status") in _ISOLATED:
        return [errors.AccountUnusable("the instance is isolated", hint="Renew the instance.")]
    if instance.get("Status") != _RUNNING or instance.get("TaskStatus") not in _IDLE:
        return [errors.InProgress("the vendor is at work on the instance", hint=look)]
    if instance.get("InstanceType") == _READ_ONLY:
        return [errors.AccountUnusable("it has the accounts of its primary", hint="Name the primary.")]
    return [] if instance.get("InitFlag") == 1 else [errors.PreconditionFailed("it is not initialised", hint=look)]


def _login(account: Account, instance: Mapping[str, object]) -> LoginTarget | None:
    public = instance.get("WanDomain") if instance.get("WanStatus") == 1 else None
    host = tencent_api3.chosen(account.address, public=public, private=instance.get("Vip"))
    port = instance.get("WanPort" if account.address == "public" else "Vport")
    return login_settings.database_login(account, "mysql", host, port)


DRIVER = DriverSpec(
    code="tencent_cdb",
    name="TencentDB for MySQL",
    docs="https://cloud.tencent.com/document/api/236/17497",
    authority=Authority.ADMIN,
    evidence=Evidence.LOGIN,
    endpoint=ENDPOINT,
    endpoints=(ENDPOINT, "https://cdb.intl.tencentcloudapi.com"),
    account=Account,
    admin=tencent_api3.Admin,
    policies=POLICIES,
    factory=TencentCdb,
    source="Vendor page on ModifyAccountPassword; SDK cdb 3.1.192, and the codes that the vendor's SDKs list",
    checked="2026-11-30",
    not_identity=frozenset({"address", "database", "certificate"}),
    alternates=frozenset({"username"}),
    harmless={"region": "ap-guangzhou", "instance_id": "cdb-doesnotexist", "username": "nobody"},
    login_probes=frozenset({"mysql"}),
    propagation_seconds=5,  # assumed: the vendor does not say how soon after its task the login takes it
    poll_seconds=5,  # assumed: no duration is documented
    request_id_header=REQUEST_ID_HEADER,
    error_table=TABLE,
    sdks=("tencentcloud-sdk-python-cdb",),
)
