"""An account of every kind that an API key resets, through the service's own messages: changed once and proved."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from grpclib.testing import ChannelFor

from rotation.drivers.registry import vendor_policies
from rotation_testkit.sandbox.vendors import (
    LINUX_VM,
    TENCENT,
    UCLOUD,
    VOLCENGINE,
    WINDOWS_DEVICE,
    WINDOWS_VM,
    Opener,
    blackstone,
    compshare,
    directory,
)
from vault_plugin.database.pb import database_grpc, database_pb2
from vault_plugin.database.service import Database

VENDOR_POLICIES = vendor_policies()

ACCOUNTS = (
    pytest.param(compshare, UCLOUD, "container", id="CompShare container"),
    pytest.param(compshare, LINUX_VM, "linux", id="CompShare machine"),
    pytest.param(compshare, WINDOWS_VM, "windows", id="CompShare machine with Windows"),
    pytest.param(blackstone("v2"), TENCENT, "linux", id="Tencent v2"),
    pytest.param(blackstone("v3"), TENCENT, "linux", id="Tencent v3"),
    pytest.param(blackstone("v2"), WINDOWS_DEVICE, "windows", id="Tencent v2 with Windows"),
    pytest.param(directory, VOLCENGINE, "default", id="Volcengine"),
)


@pytest.mark.parametrize(("opener", "key", "variant"), ACCOUNTS)
def test_every_account_is_changed_and_proved(opener: Opener, key: str, variant: str) -> None:
    """One reset, no wrong login; the same password again finds it live and sends nothing."""
    code = key.partition("/")[0]
    new = VENDOR_POLICIES[code][variant].generate()
    with opener(time.time, (key,)) as estate:
        tenant = estate.tenants[key]
        own = {"driver": code, "endpoint": estate.endpoint, "hosts": estate.endpoint.removeprefix("http://")}
        known = ("driver", "username", "password")
        options = [f"{name}={value}" for name, value in tenant.document.items() if name not in known]

        async def talk() -> None:
            database = Database("lockstep")
            async with ChannelFor([database]) as channel:
                stub: Any = database_grpc.DatabaseStub(channel)
                configure = database_pb2.InitializeRequest(verify_connection=True)
                configure.config_data.update({**own, **(estate.admin or {}), "propagation_seconds": 0})
                await stub.Initialize(configure)
                statements = database_pb2.Statements(commands=options)
                password = database_pb2.ChangePassword(new_password=new.reveal(), statements=statements)
                change = database_pb2.UpdateUserRequest(username=str(tenant.document["username"]), password=password)
                await stub.UpdateUser(change)
                await stub.UpdateUser(change)
            await asyncio.to_thread(database._threads.shutdown)

        asyncio.run(talk())
        assert tenant.live() == new
        assert tenant.changes() == 1
        assert tenant.wrong_logins() == 0
