"""The sandbox: Secrets Manager, the vendors and their hosts on loopback, with one secret per account.

``lockstep demo``, ``lockstep simulate``, ``lockstep invoke`` and the tests run in it. Its credentials are made up when
it starts and valid nowhere else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar
from urllib.parse import urlsplit

from rotation.core import settings
from rotation.core.document import SecretDocument, documents
from rotation.core.secret import Secret
from rotation.drivers.registry import load_driver, login_kinds
from rotation.stores.aws.secrets_manager import BINDING_TAG
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.doubles.vendor_api.simulator import Simulator
from rotation_testkit.doubles.vendors.huawei_meeting.sandbox import CODE as HUAWEI
from rotation_testkit.doubles.vendors.huawei_meeting.sandbox import MEETING_ACCOUNT
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting
from rotation_testkit.doubles.vendors.tencent_bm.sandbox import BATCH, WINDOWS_DEVICE
from rotation_testkit.doubles.vendors.tencent_bm.sandbox import CODE as TENCENT
from rotation_testkit.doubles.vendors.tencent_bm.simulator import TencentBm
from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import CODE as UCLOUD
from rotation_testkit.doubles.vendors.ucloud_compshare.sandbox import LINUX_VM, LOGIN, UHOST_ID, WINDOWS_VM
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import UCloudCompShare
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.sandbox import CODE as VOLCENGINE
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from rotation_testkit.sandbox.clock import ShiftedClock
from rotation_testkit.sandbox.enrolled import binding_of, tagged
from rotation_testkit.sandbox.vendors import (
    DRIVERS,
    SandboxAccount,
    ServedVendor,
    VendorServer,
    every_account,
    password_of,
    sandbox_module,
)

__all__ = [
    "BATCH",
    "DRIVERS",
    "FUNCTION_ACCOUNT",
    "FUNCTION_ARN",
    "HUAWEI",
    "LINUX_VM",
    "LOGIN",
    "MEETING_ACCOUNT",
    "REGION",
    "SEAL_SECRET",
    "SECOND_USER",
    "SECOND_USER_ID",
    "TENCENT",
    "UCLOUD",
    "UHOST_ID",
    "VOLCENGINE",
    "WINDOWS_DEVICE",
    "WINDOWS_VM",
    "Sandbox",
    "ShiftedClock",
    "driver_of",
    "every_account",
    "open_sandbox",
    "provide_seal",
    "take_turns",
]

REGION = "eu-central-1"
FUNCTION_ACCOUNT = "111122223333"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{FUNCTION_ACCOUNT}:function:lockstep-rotation"
SEAL_SECRET = "lockstep/seal"  # noqa: S105 - a name
"""Name of the secret with the key of the candidates' seals."""
SECOND_USER, SECOND_USER_ID = "robot-b", "user-demo-b"
"""The directory's user that takes turns with the first one; see ``take_turns``."""
S = TypeVar("S", bound=Simulator)


def provide_seal(store: SecretsManager) -> dict[str, str]:
    """Make the secret with the key of the candidates' seals, and return the function's variable that names it."""
    store.create(SEAL_SECRET, json.dumps({"key": secrets.token_hex(32)}))
    return {"LOCKSTEP_SEAL_SECRET": SEAL_SECRET}


def take_turns(world: Sandbox) -> dict[str, object]:
    """Let the directory's user take turns with a second one, whose password no value holds, and enrol the secret.

    Returns:
        The secret's new value.
    """
    first = world.vendor_accounts[VOLCENGINE]
    password = load_driver(VOLCENGINE).policies["default"].generate()
    other = world.volcengine.add_user(SECOND_USER, password, user_id=SECOND_USER_ID)
    document = {**first.document, "alternate_username": other.user_name, "alternate_user_id": other.user_id}
    world.secrets_manager.call("PutSecretValue", SecretId=world.accounts[VOLCENGINE], SecretString=json.dumps(document))
    world.enroll(VOLCENGINE)
    return document


def driver_of(account: str) -> str:
    """Return the driver's code of an account's key, such as ``ucloud_compshare/linux_vm``."""
    return account.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """Everything that runs, and the accounts in it. Accounts are named by their keys, see ``every_account``.

    Attributes:
        clock: the clock that Secrets Manager and the vendors share.
        secrets_manager: the served double.
        vendors: the served vendors by driver code.
        vendor_accounts: the vendors' accounts by key.
        endpoints: base URL by driver code.
        admin_secrets: name of the secret with the admin credential by driver code.
        accounts: name of the rotated secret by account key.
    """

    clock: ShiftedClock
    secrets_manager: SecretsManager
    vendors: dict[str, ServedVendor]
    vendor_accounts: dict[str, SandboxAccount]
    endpoints: dict[str, str]
    admin_secrets: dict[str, str]
    accounts: dict[str, str]

    def environment(self) -> dict[str, str]:
        """Return the variables that the function needs here. Holds the double's made-up AWS key."""
        hosts = [urlsplit(url).netloc for url in self.endpoints.values()]
        named = {f"LOCKSTEP_{code.upper()}_ENDPOINT": url for code, url in self.endpoints.items()}
        admins = {f"LOCKSTEP_{code.upper()}_ADMIN_SECRET": name for code, name in self.admin_secrets.items()}
        allowed = {"LOCKSTEP_DRIVERS": ",".join(self.endpoints), "LOCKSTEP_HOSTS": ",".join(hosts)}
        seal = {"LOCKSTEP_SEAL_SECRET": SEAL_SECRET}
        allowed |= {"LOCKSTEP_LOGIN_PORTS": ",".join(self._login_ports())}
        return {**self.secrets_manager.environment(), **allowed, **named, **admins, **seal}

    def _login_ports(self) -> list[str]:
        """Return the ports of the hosts, which are others than usual here, as the deployment names them."""
        held = [account.document for account in self.vendor_accounts.values()]
        each = [entry for one in held for entry in (one, *documents(SecretDocument(one), "devices"))]
        return [f"{kind}:{one[key]}" for kind in login_kinds() for one in each if (key := f"{kind}_port") in one]

    def live(self, account: str) -> Secret:
        """Return the password that the vendor's account accepts now."""
        return self.vendor_accounts[account].live()

    def changes(self, account: str) -> int:
        """Return how many resets took effect at the vendor."""
        return self.vendor_accounts[account].changes()

    def wrong_logins(self, account: str) -> int:
        """Return how often the account was tried with a wrong password."""
        return self.vendor_accounts[account].wrong_logins()

    def stored(self, account: str, stage: str = "AWSCURRENT") -> Secret | None:
        """Return the password under a stage of the account's secret."""
        value = self.secrets_manager.value(self.accounts[account], stage=stage)
        return None if value is None else password_of(SecretDocument.parse(value.reveal()))

    def enroll(self, account: str) -> None:
        """Bind an account's secret to what its current value names, as an operator does with ``lockstep enroll``."""
        name = self.accounts[account]
        value = self.secrets_manager.value(name)
        if value is not None:
            tag = {"Key": BINDING_TAG, "Value": binding_of(SecretDocument.parse(value.reveal()))}
            self.secrets_manager.call("TagResource", SecretId=name, Tags=[tag])

    def admin_values(self) -> list[str]:
        """Return what is secret in the vendors' admin credentials."""
        found = []
        for code in self.admin_secrets:
            admin, kind = self.vendors[code].admin, load_driver(code).admin
            secret = [row["name"] for row in settings.table(kind) if row["type"] == "Secret"] if kind else []
            found += [value for name, value in (admin or {}).items() if name in secret]
        return found

    def simulator(self, kind: type[S]) -> S:
        """Return the simulator of one kind.

        Raises:
            KeyError: none of the vendors is of that kind.
        """
        for vendor in self.vendors.values():
            if isinstance(vendor.simulator, kind):
                return vendor.simulator
        raise KeyError(kind.__name__)

    @property
    def ucloud(self) -> UCloudCompShare:
        """CompShare's simulator."""
        return self.simulator(UCloudCompShare)

    @property
    def tencent(self) -> TencentBm:
        """Blackstone's simulator."""
        return self.simulator(TencentBm)

    @property
    def volcengine(self) -> VolcengineCloudIdentity:
        """Cloud Identity's simulator."""
        return self.simulator(VolcengineCloudIdentity)

    @property
    def huawei(self) -> HuaweiMeeting:
        """Huawei Meeting's simulator."""
        return self.simulator(HuaweiMeeting)

    @property
    def ssh(self) -> SshHost:
        """The CompShare container's SSH server."""
        host = self.vendor_accounts[UCLOUD].host
        if not isinstance(host, SshHost):  # pragma: no cover - the container has one
            raise KeyError(UCLOUD)
        return host

    @property
    def admin_secret(self) -> str:
        """The name of the secret with CompShare's API key."""
        return self.admin_secrets[UCLOUD]


@contextmanager
def open_sandbox(  # noqa: PLR0913 - choices, all named
    *,
    holding: Collection[str] | None = (UCLOUD, HUAWEI),
    servers: Mapping[str, VendorServer] = MappingProxyType({}),
    clock: ShiftedClock | None = None,
    names: dict[str, str] | None = None,
    retry_delays: tuple[float, ...] = (60.0, 60.0),
    account: str = FUNCTION_ACCOUNT,
    region: str = REGION,
) -> Iterator[Sandbox]:
    """Start everything, yield it, and stop it at the end of the block.

    Args:
        holding: keys of the accounts, ``None`` for every one; vendors without one are not started.
        servers: by driver code, where a vendor is to be served in another way than its ``sandbox.py`` does it.
        clock: shared by everything that keeps time.
        names: the rotated secrets' names by account key, where they must not be ``lockstep/KEY``.
        retry_delays: seconds of the clock before each further attempt of a failed rotation.
        account: the AWS account of the secrets.
        region: the AWS region of the secrets.
    """
    clock, holding = clock or ShiftedClock(), every_account() if holding is None else holding
    store = SecretsManager(
        clock=clock.now, sleep=clock.sleep, retry_delays=retry_delays, account=account, region=region
    )
    with ExitStack() as stack:
        vendors: dict[str, ServedVendor] = {}
        for code in dict.fromkeys(map(driver_of, holding)):
            keys = tuple(key for key in holding if driver_of(key) == code)
            serve = servers.get(code) or sandbox_module(code).serve
            vendors[code] = stack.enter_context(serve(clock.now, keys))
        started = Sandbox(
            clock=clock,
            secrets_manager=store,
            vendors=vendors,
            vendor_accounts={key: account for vendor in vendors.values() for key, account in vendor.accounts.items()},
            endpoints={code: vendor.endpoint for code, vendor in vendors.items()},
            admin_secrets={code: f"lockstep/admin/{code}" for code, vendor in vendors.items() if vendor.admin},
            accounts={key: (names or {}).get(key, f"lockstep/{key}") for key in holding},
        )
        stack.enter_context(store.serve())
        provide_seal(store)
        for code, name in started.admin_secrets.items():
            store.create(name, json.dumps(vendors[code].admin))
        for key, name in started.accounts.items():
            document = started.vendor_accounts[key].document
            store.create(name, Secret(json.dumps(document)), tagged(SecretDocument(document)))
        yield started
