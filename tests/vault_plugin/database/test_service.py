"""The database service inside this process: deadlines, foreign errors, connections that come and go."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.testing import ChannelFor

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
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


OLD = Secret("Old-Passw0rd-1234!")


Talk = Callable[[Any], Awaitable[Any]]


def serve(talk: Talk) -> Any:
    """Let ``talk`` use a client of a new service."""

    async def run() -> Any:
        async with ChannelFor([Database("lockstep")]) as channel:
            return await talk(database_grpc.DatabaseStub(channel))

    return asyncio.run(run())


def initialize(vendor: VolcengineCloudIdentity, url: str) -> Any:
    """Return the request that configures a connection to the vendor."""
    request = database_pb2.InitializeRequest(verify_connection=True)
    request.config_data.update(
        {
            "driver": "volcengine_cloudidentity",
            "endpoint": url,
            "hosts": url.removeprefix("http://"),
            "access_key": vendor.credentials.access_key,
            "secret_key": vendor.credentials.secret_key.reveal(),
            "deadline_seconds": 30,
        }
    )
    return request


def change(user_id: str, password: Secret, **fields: Any) -> Any:
    """Return the request that changes bob's password."""
    return database_pb2.UpdateUserRequest(
        username="bob",
        password=database_pb2.ChangePassword(
            new_password=password.reveal(), statements=database_pb2.Statements(commands=[f"user_id={user_id}"])
        ),
        **fields,
    )


def candidate() -> Secret:
    """Return a password as the server draws it."""
    return VENDOR_POLICIES["volcengine_cloudidentity"]["default"].generate()


def test_connections_come_change_and_go() -> None:
    """Each multiplex id is a connection of its own; a closed one must be initialized again."""
    vendor = VolcengineCloudIdentity()
    user = vendor.add_user("bob", OLD)
    new, again = candidate(), candidate()
    with vendor.serve() as url:

        async def talk(stub: Any) -> Status:
            one, two = {"multiplex_id": "one"}, {"multiplex_id": "two"}
            for who in (one, two):
                await stub.Initialize(initialize(vendor, url), metadata=who)
            await stub.UpdateUser(change(user.user_id, new), metadata=one)
            await stub.Close(database_pb2.Nothing(), metadata=one)
            await stub.UpdateUser(change(user.user_id, again), metadata=two)
            with pytest.raises(GRPCError) as gone:
                await stub.UpdateUser(change(user.user_id, new), metadata=one)
            return gone.value.status

        assert serve(talk) is Status.FAILED_PRECONDITION
    assert vendor.live_password(user.user_id) == again


def test_a_caller_without_time_changes_nothing() -> None:
    """The shorter deadline of the caller counts: too little time is left for a reset, so none is sent."""
    vendor = VolcengineCloudIdentity()
    user = vendor.add_user("bob", OLD)
    with vendor.serve() as url:

        async def talk(stub: Any) -> Status:
            await stub.Initialize(initialize(vendor, url))
            with pytest.raises(GRPCError) as late:
                await stub.UpdateUser(change(user.user_id, candidate()), timeout=15.0)
            return late.value.status

        assert serve(talk) is Status.DEADLINE_EXCEEDED
    assert vendor.live_password(user.user_id) == OLD


def test_only_passwords_are_changed() -> None:
    """A key or a certificate instead of a password is refused."""
    vendor = VolcengineCloudIdentity()
    with vendor.serve() as url:

        async def talk(stub: Any) -> Status:
            await stub.Initialize(initialize(vendor, url))
            with pytest.raises(GRPCError) as refused:
                await stub.UpdateUser(change("u-1", candidate(), credential_type=1))
            return refused.value.status

        assert serve(talk) is Status.INVALID_ARGUMENT


def test_work_that_ignores_its_deadline_is_answered_all_the_same() -> None:
    """The caller gets a deadline error, and the work sees that no time is left."""
    release = threading.Event()
    left: list[float] = []

    def work(time_left: Callable[[], float]) -> None:
        release.wait(60)
        left.append(time_left())

    async def talk() -> None:
        database = Database("lockstep")
        with pytest.raises(GRPCError) as late:
            await database._in_thread(work, 0.05)
        assert late.value.status is Status.DEADLINE_EXCEEDED
        release.set()
        database._threads.shutdown()

    asyncio.run(talk())
    assert left == [0.0]


def test_a_foreign_error_keeps_its_text_to_itself() -> None:
    """A foreign exception becomes a status that names its type alone."""

    def work(_: Callable[[], float]) -> None:
        raise RuntimeError("hunter2-hunter2")

    async def talk() -> GRPCError:
        database = Database("lockstep")
        with pytest.raises(GRPCError) as error:
            await database._in_thread(work, 30.0)
        database._threads.shutdown()
        return error.value

    error = asyncio.run(talk())
    assert error.status is Status.INTERNAL
    assert "RuntimeError" in str(error.message)
    assert "hunter2" not in str(error.message)


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
    """One call sends one reset without a wrong login; the same password again is found live and sends nothing."""
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
