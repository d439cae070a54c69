"""The embedded world: Secrets Manager, two vendors and an SSH host on loopback, with one secret per driver.

The demonstration, ``lockstep simulate``, ``lockstep invoke`` and the tests run in it. Every credential is made up when
it starts and valid nowhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from rotation.policy import VENDOR_POLICIES
from rotation.secret import Secret, SecretDocument
from rotation.testing.secretsmanager import SecretsManager
from rotation.testing.simulators.huawei_meeting import HuaweiMeeting
from rotation.testing.simulators.ucloud_compshare import SshAddress, UCloudCompShare
from rotation.testing.ssh_host import SshHost

UCLOUD, HUAWEI = "ucloud_compshare", "huawei_meeting"
REGION = "eu-central-1"
FUNCTION_ACCOUNT = "111122223333"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{FUNCTION_ACCOUNT}:function:lockstep-rotation"
UHOST_ID = "uhost-demo"
LOGIN = "root"
MEETING_ACCOUNT = "robot@example.com"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that runs, and the accounts in it.

    Attributes:
        clock: the one clock of Secrets Manager and both vendors.
        secrets_manager: the double, being served.
        ucloud: CompShare's simulator; its container takes logins at ``ssh``.
        huawei: Huawei Meeting's simulator.
        ssh: the container's SSH server.
        endpoints: base URL by driver code.
        admin_secret: name of the secret with CompShare's API key.
        accounts: name of the rotated secret by driver code.
    """

    clock: ShiftedClock
    secrets_manager: SecretsManager
    ucloud: UCloudCompShare
    huawei: HuaweiMeeting
    ssh: SshHost
    endpoints: dict[str, str]
    admin_secret: str
    accounts: dict[str, str]

    def environment(self) -> dict[str, str]:
        """Return the variables that the function needs here. Holds the double's made-up AWS key."""
        hosts = [urlsplit(url).netloc for url in self.endpoints.values()]
        return {
            **self.secrets_manager.environment(),
            "LOCKSTEP_DRIVERS": ",".join(self.accounts),
            "LOCKSTEP_HOSTS": ",".join(hosts),
            f"LOCKSTEP_{UCLOUD.upper()}_ENDPOINT": self.endpoints[UCLOUD],
            f"LOCKSTEP_{UCLOUD.upper()}_ADMIN_SECRET": self.admin_secret,
            f"LOCKSTEP_{HUAWEI.upper()}_ENDPOINT": self.endpoints[HUAWEI],
        }

    def live(self, code: str) -> Secret:
        """Return the password that the vendor's account takes now."""
        return self.ucloud.guest_password(UHOST_ID) if code == UCLOUD else self.huawei.live_password(MEETING_ACCOUNT)

    def changes(self, code: str) -> int:
        """Return how many resets took effect at the vendor."""
        return self.ucloud.resets(UHOST_ID) if code == UCLOUD else self.huawei.changes(MEETING_ACCOUNT)

    def wrong_logins(self, code: str) -> int:
        """Return how often the account was tried with a wrong password."""
        return self.ssh.rejected[LOGIN] if code == UCLOUD else self.huawei.wrong_logins(MEETING_ACCOUNT)

    def stored(self, code: str, stage: str = "AWSCURRENT") -> Secret | None:
        """Return the password under a stage of the account's secret."""
        value = self.secrets_manager.value(self.accounts[code], stage=stage)
        return None if value is None else SecretDocument.parse(value.reveal()).password


@contextmanager
def world(
    *,
    clock: ShiftedClock | None = None,
    names: dict[str, str] | None = None,
    retry_delays: tuple[float, ...] = (60.0, 60.0),
    account: str = FUNCTION_ACCOUNT,
    region: str = REGION,
) -> Iterator[World]:
    """Start everything, yield it, and stop it at the end of the block.

    Args:
        clock: shared by everything that keeps time.
        names: the rotated secrets' names by driver code, where they must not be ``lockstep/CODE``.
        retry_delays: seconds of the clock before each further attempt of a failed rotation.
        account: the AWS account of the secrets.
        region: the AWS region of the secrets.
    """
    clock = clock or ShiftedClock()
    store = SecretsManager(
        clock=clock.now, sleep=clock.sleep, retry_delays=retry_delays, account=account, region=region
    )
    ucloud, huawei = UCloudCompShare(clock=clock.now), HuaweiMeeting(clock=clock.now)
    names = {code: f"lockstep/{code}" for code in (UCLOUD, HUAWEI)} | (names or {})
    with ExitStack() as stack:
        ssh = stack.enter_context(SshHost(ucloud.guest_login(UHOST_ID), up=lambda: ucloud.running(UHOST_ID)))
        started = World(
            clock=clock,
            secrets_manager=store,
            ucloud=ucloud,
            huawei=huawei,
            ssh=ssh,
            endpoints={UCLOUD: stack.enter_context(ucloud.serve()), HUAWEI: stack.enter_context(huawei.serve())},
            admin_secret="lockstep/admin/ucloud_compshare",  # noqa: S106 - a secret's name
            accounts=names,
        )
        stack.enter_context(store.serve())
        _furnish(started)
        yield started


def _furnish(started: World) -> None:
    first = {code: next(iter(VENDOR_POLICIES[code].values())).generate() for code in started.accounts}
    ssh = started.ssh
    instance = started.ucloud.add_instance(UHOST_ID, password=first[UCLOUD], ssh=SshAddress(LOGIN, ssh.host, ssh.port))
    started.huawei.add_account(MEETING_ACCOUNT, first[HUAWEI])
    key = started.ucloud.credentials
    store = started.secrets_manager
    admin = {"public_key": key.public_key, "private_key": key.private_key.reveal()}
    store.create(started.admin_secret, json.dumps(admin))
    own: dict[str, dict[str, str]] = {
        UCLOUD: {
            "username": LOGIN,
            "region": instance.region,
            "zone": instance.zone,
            "uhost_id": UHOST_ID,
            "host_key": ssh.host_key,
        },
        HUAWEI: {"username": MEETING_ACCOUNT},
    }
    for code, name in started.accounts.items():
        document = {"driver": code, **own[code], "password": first[code].reveal()}
        store.create(name, Secret(json.dumps(document)))
