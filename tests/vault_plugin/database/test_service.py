"""The database service inside this process: deadlines, foreign errors, connections that come and go."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.testing import ChannelFor

from rotation.core.secret import Secret
from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import VolcengineCloudIdentity
from vault_plugin.database.pb import database_grpc, database_pb2
from vault_plugin.database.service import Database

VENDOR_POLICIES = vendor_policies()

OLD = Secret("Old-Passw0rd-1234!")
Talk = Callable[[Any], Awaitable[Any]]


def serve(talk: Talk) -> Any:
    """Let ``talk`` use a client of a fresh service."""

    async def run() -> Any:
        async with ChannelFor([Database("lockstep")]) as channel:
            return await talk(database_grpc.DatabaseStub(channel))

    return asyncio.run(run())


def initialize(vendor: VolcengineCloudIdentity, url: str) -> Any:
    """The request that configures a connection to the vendor."""
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
    """The request that changes bob's password."""
    return database_pb2.UpdateUserRequest(
        username="bob",
        password=database_pb2.ChangePassword(
            new_password=password.reveal(), statements=database_pb2.Statements(commands=[f"user_id={user_id}"])
        ),
        **fields,
    )


def candidate() -> Secret:
    """A password as the server draws it."""
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
    """The caller's deadline counts where it is the shorter one: too little is left for a reset, so none is sent."""
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
    """The caller hears of the deadline; the work learns that no time is left."""
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
    """Whatever is raised inside becomes a status that names the type alone."""

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
