"""The embedded world: Secrets Manager, the vendors and their hosts on loopback, with one secret per account.

The demonstration, ``lockstep simulate``, ``lockstep invoke`` and the tests run in it. Every credential is made up when
it starts and valid nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from rotation.core.document import SecretDocument
from rotation.core.secret import Secret
from rotation_testkit.doubles.hosts.ssh import SshHost
from rotation_testkit.doubles.secretsmanager import SecretsManager
from rotation_testkit.doubles.vendors.huawei_meeting.simulator import HuaweiMeeting
from rotation_testkit.doubles.vendors.simulator import Simulator
from rotation_testkit.doubles.vendors.tencent_bm.simulator import TencentBm
from rotation_testkit.doubles.vendors.ucloud_compshare.simulator import UCloudCompShare
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from rotation_testkit.sandbox.vendors import (
    ALL,
    BATCH,
    DRIVERS,
    HUAWEI,
    LINUX_VM,
    LOGIN,
    MEETING_ACCOUNT,
    TENCENT,
    UCLOUD,
    UHOST_ID,
    VOLCENGINE,
    WINDOWS_DEVICE,
    WINDOWS_VM,
    Estate,
    Opener,
    Tenant,
    blackstone,
    compshare,
    directory,
    meeting,
    password_of,
)

__all__ = [
    "ALL",
    "BATCH",
    "DRIVERS",
    "FUNCTION_ACCOUNT",
    "FUNCTION_ARN",
    "HUAWEI",
    "LINUX_VM",
    "LOGIN",
    "MEETING_ACCOUNT",
    "REGION",
    "TENCENT",
    "UCLOUD",
    "UHOST_ID",
    "VOLCENGINE",
    "WINDOWS_DEVICE",
    "WINDOWS_VM",
    "ShiftedClock",
    "World",
    "driver_of",
    "world",
]

REGION = "eu-central-1"
FUNCTION_ACCOUNT = "111122223333"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{FUNCTION_ACCOUNT}:function:lockstep-rotation"
S = TypeVar("S", bound=Simulator)


class ShiftedClock:
    """Real time plus an offset: ``sleep`` moves the offset and waits for nothing."""

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        """Return epoch seconds."""
        return time.time() + self.offset

    def sleep(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.offset += seconds


def driver_of(account: str) -> str:
    """Return the driver's code of an account's key, such as ``ucloud_compshare/linux_vm``."""
    return account.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that runs, and the accounts in it. Accounts are named by their keys, see ``estates.ALL``.

    Attributes:
        clock: the one clock of Secrets Manager and the vendors.
        secrets_manager: the double, being served.
        estates: the vendors by driver code.
        tenants: the accounts by key.
        endpoints: base URL by driver code.
        admin_secrets: name of the secret with the admin credential by driver code.
        accounts: name of the rotated secret by account key.
    """

    clock: ShiftedClock
    secrets_manager: SecretsManager
    estates: dict[str, Estate]
    tenants: dict[str, Tenant]
    endpoints: dict[str, str]
    admin_secrets: dict[str, str]
    accounts: dict[str, str]

    def environment(self) -> dict[str, str]:
        """Return the variables that the function needs here. Holds the double's made-up AWS key."""
        hosts = [urlsplit(url).netloc for url in self.endpoints.values()]
        vendors = {f"LOCKSTEP_{code.upper()}_ENDPOINT": url for code, url in self.endpoints.items()}
        admins = {f"LOCKSTEP_{code.upper()}_ADMIN_SECRET": name for code, name in self.admin_secrets.items()}
        allowed = {"LOCKSTEP_DRIVERS": ",".join(self.endpoints), "LOCKSTEP_HOSTS": ",".join(hosts)}
        return {**self.secrets_manager.environment(), **allowed, **vendors, **admins}

    def live(self, account: str) -> Secret:
        """Return the password that the vendor's account takes now."""
        return self.tenants[account].live()

    def changes(self, account: str) -> int:
        """Return how many resets took effect at the vendor."""
        return self.tenants[account].changes()

    def wrong_logins(self, account: str) -> int:
        """Return how often the account was tried with a wrong password."""
        return self.tenants[account].wrong_logins()

    def stored(self, account: str, stage: str = "AWSCURRENT") -> Secret | None:
        """Return the password under a stage of the account's secret."""
        value = self.secrets_manager.value(self.accounts[account], stage=stage)
        return None if value is None else password_of(SecretDocument.parse(value.reveal()))

    @property
    def ucloud(self) -> UCloudCompShare:
        """CompShare's simulator."""
        return self._simulator(UCLOUD, UCloudCompShare)

    @property
    def tencent(self) -> TencentBm:
        """Blackstone's simulator."""
        return self._simulator(TENCENT, TencentBm)

    @property
    def volcengine(self) -> VolcengineCloudIdentity:
        """Cloud Identity's simulator."""
        return self._simulator(VOLCENGINE, VolcengineCloudIdentity)

    @property
    def huawei(self) -> HuaweiMeeting:
        """Huawei Meeting's simulator."""
        return self._simulator(HUAWEI, HuaweiMeeting)

    @property
    def ssh(self) -> SshHost:
        """The CompShare container's SSH server."""
        host = self.tenants[UCLOUD].host
        if not isinstance(host, SshHost):  # pragma: no cover - the container has one
            raise KeyError(UCLOUD)
        return host

    @property
    def admin_secret(self) -> str:
        """The name of the secret with CompShare's API key."""
        return self.admin_secrets[UCLOUD]

    def _simulator(self, code: str, kind: type[S]) -> S:
        found = self.estates[code].simulator
        if not isinstance(found, kind):  # pragma: no cover - each code has its own kind
            raise TypeError(code)
        return found


@contextmanager
def world(  # noqa: PLR0913 - choices, all named
    *,
    holding: Collection[str] | None = (UCLOUD, HUAWEI),
    tencent_api: str = "v3",
    clock: ShiftedClock | None = None,
    names: dict[str, str] | None = None,
    retry_delays: tuple[float, ...] = (60.0, 60.0),
    account: str = FUNCTION_ACCOUNT,
    region: str = REGION,
) -> Iterator[World]:
    """Start everything, yield it, and stop it at the end of the block.

    Args:
        holding: keys of the accounts, of ``estates.ALL``, ``None`` for all; vendors without one are not started.
        tencent_api: the generation of Blackstone's API that the deployment speaks, ``v2`` or ``v3``.
        clock: shared by everything that keeps time.
        names: the rotated secrets' names by account key, where they must not be ``lockstep/KEY``.
        retry_delays: seconds of the clock before each further attempt of a failed rotation.
        account: the AWS account of the secrets.
        region: the AWS region of the secrets.
    """
    clock, holding = clock or ShiftedClock(), ALL if holding is None else holding
    store = SecretsManager(
        clock=clock.now, sleep=clock.sleep, retry_delays=retry_delays, account=account, region=region
    )
    openers: dict[str, Opener] = {
        UCLOUD: compshare,
        TENCENT: blackstone(tencent_api),
        VOLCENGINE: directory,
        HUAWEI: meeting,
    }
    with ExitStack() as stack:
        estates: dict[str, Estate] = {}
        for code, opener in openers.items():
            keys = tuple(key for key in holding if driver_of(key) == code)
            if keys:
                estates[code] = stack.enter_context(opener(clock.now, keys))
        started = World(
            clock=clock,
            secrets_manager=store,
            estates=estates,
            tenants={key: tenant for estate in estates.values() for key, tenant in estate.tenants.items()},
            endpoints={code: estate.endpoint for code, estate in estates.items()},
            admin_secrets={code: f"lockstep/admin/{code}" for code, estate in estates.items() if estate.admin},
            accounts={key: (names or {}).get(key, f"lockstep/{key}") for key in holding},
        )
        stack.enter_context(store.serve())
        _furnish(started)
        yield started


def _furnish(started: World) -> None:
    store = started.secrets_manager
    for code, name in started.admin_secrets.items():
        store.create(name, json.dumps(started.estates[code].admin))
    for key, name in started.accounts.items():
        store.create(name, Secret(json.dumps(started.tenants[key].document)))
