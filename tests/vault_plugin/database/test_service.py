"""The database service inside this process: deadlines, foreign errors, connections, and every kind of account."""

import asyncio
import threading
import time
from unittest.mock import Mock

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from grpclib.testing import ChannelFor

from rotation.drivers.registry import vendor_policies
from rotation_testkit.doubles.vendors.tencent_bm.sandbox import blackstone
from rotation_testkit.sandbox.sandbox import LINUX_VM, TENCENT, UCLOUD, VOLCENGINE, WINDOWS_DEVICE, WINDOWS_VM
from rotation_testkit.sandbox.vendors import sandbox_module
from vault_plugin.database.pb import database_grpc, database_pb2
from vault_plugin.database.service import Database

compshare, directory = (sandbox_module(code).serve for code in (UCLOUD, VOLCENGINE))
ACCOUNTS = (
    pytest.param(compshare, UCLOUD, "container", id="CompShare container"),
    pytest.param(compshare, LINUX_VM, "linux", id="CompShare machine"),
    pytest.param(compshare, WINDOWS_VM, "windows", id="CompShare machine with Windows"),
    pytest.param(blackstone("v2"), TENCENT, "linux", id="Tencent v2"),
    pytest.param(blackstone("v3"), TENCENT, "linux", id="Tencent v3"),
    pytest.param(blackstone("v2"), WINDOWS_DEVICE, "windows", id="Tencent v2 with Windows"),
    pytest.param(directory, VOLCENGINE, "default", id="Volcengine"),
)


def serve(talk):
    """Let ``talk`` use a client of a new service."""

    async def run():
        database = Database("lockstep")
        async with ChannelFor([database]) as channel:
            outcome = await talk(database_grpc.DatabaseStub(channel))
        await asyncio.to_thread(database._threads.shutdown)
        return outcome

    return asyncio.run(run())


def initialize(code, estate, **config):
    """Return the request that configures a connection to the vendor."""
    request = database_pb2.InitializeRequest(verify_connection=True)
    where = {"endpoint": estate.endpoint, "hosts": estate.endpoint.removeprefix("http://")}
    request.config_data.update({"driver": code, **where, **(estate.admin or {}), **config})
    return request


def change(tenant, password, **fields):
    """Return the request that changes an account's password."""
    known = ("driver", "username", "password")
    options = [f"{name}={value}" for name, value in tenant.document.items() if name not in known]
    statements = database_pb2.Statements(commands=options)
    return database_pb2.UpdateUserRequest(
        username=str(tenant.document["username"]),
        password=database_pb2.ChangePassword(new_password=password.reveal(), statements=statements),
        **fields,
    )


def candidate(code=VOLCENGINE, variant="default"):
    """Return a password as the server draws it."""
    return vendor_policies()[code][variant].generate()


@pytest.fixture
def estate():
    """Yield a directory with one user."""
    with directory(time.time, (VOLCENGINE,)) as served:
        yield served


def test_connections_come_change_and_go(estate):
    """Each multiplex id is a connection of its own; a closed one must be initialized again."""
    new, again, user = candidate(), candidate(), estate.accounts[VOLCENGINE]

    async def talk(stub):
        one, two = {"multiplex_id": "one"}, {"multiplex_id": "two"}
        for who in (one, two):
            await stub.Initialize(initialize(VOLCENGINE, estate, deadline_seconds=30), metadata=who)
        await stub.UpdateUser(change(user, new), metadata=one)
        await stub.Close(database_pb2.Nothing(), metadata=one)
        await stub.UpdateUser(change(user, again), metadata=two)
        with pytest.raises(GRPCError) as gone:
            await stub.UpdateUser(change(user, new), metadata=one)
        return gone.value.status

    assert serve(talk) is Status.FAILED_PRECONDITION
    assert user.live() == again


@pytest.mark.parametrize(
    ("fields", "timeout", "status"),
    [
        pytest.param({}, 15.0, Status.DEADLINE_EXCEEDED, id="too little time"),
        pytest.param({"credential_type": 1}, None, Status.INVALID_ARGUMENT, id="a key instead of a password"),
    ],
)
def test_a_refused_call_changes_nothing(estate, fields, timeout, status):
    """The shorter deadline of the caller counts, and only passwords are changed; no reset is sent otherwise."""
    user = estate.accounts[VOLCENGINE]
    old = user.live()

    async def talk(stub):
        await stub.Initialize(initialize(VOLCENGINE, estate, deadline_seconds=30))
        with pytest.raises(GRPCError) as refused:
            await stub.UpdateUser(change(user, candidate(), **fields), timeout=timeout)
        return refused.value.status

    assert serve(talk) is status
    assert user.live() == old


def failed_in_thread(work, seconds, then=lambda: None):
    """Let a service do ``work`` in a thread, call ``then`` when the work has failed, and return the error."""

    async def run():
        database = Database("lockstep")
        with pytest.raises(GRPCError) as error:
            await database._in_thread(work, seconds)
        then()
        database._threads.shutdown()
        return error.value

    return asyncio.run(run())


def test_work_that_ignores_its_deadline_is_answered_all_the_same():
    """The caller gets a deadline error, and the work sees that no time is left."""
    release, left = threading.Event(), []

    def work(time_left):
        release.wait(60)
        left.append(time_left())

    assert failed_in_thread(work, 0.05, release.set).status is Status.DEADLINE_EXCEEDED
    assert left == [0.0]


def test_the_text_of_a_foreign_error_is_not_passed_on():
    """A foreign exception becomes a status that names its type alone."""
    error = failed_in_thread(Mock(side_effect=RuntimeError("hunter2-hunter2")), 30.0)
    assert error.status is Status.INTERNAL
    assert "RuntimeError" in str(error.message)
    assert "hunter2" not in str(error.message)


@pytest.mark.parametrize(("opener", "key", "variant"), ACCOUNTS)
def test_every_account_is_changed_and_proved(opener, key, variant):
    """One call sends one reset without a wrong login; the same password again is found live and sends nothing."""
    code = key.partition("/")[0]
    new = candidate(code, variant)
    with opener(time.time, (key,)) as served:
        tenant = served.accounts[key]

        async def talk(stub):
            await stub.Initialize(initialize(code, served, propagation_seconds=0))
            for _ in range(2):
                await stub.UpdateUser(change(tenant, new))

        serve(talk)
        assert (tenant.live(), tenant.changes(), tenant.wrong_logins()) == (new, 1, 0)


def test_a_role_outside_of_its_window_is_logged_once(caplog):
    """The server tries a waiting role every ten seconds; the plug-in says it once, and again when that changes."""
    with directory(time.time, (VOLCENGINE,)) as estate:
        tenant, password = estate.accounts[VOLCENGINE], vendor_policies()[VOLCENGINE]["default"].generate()
        closed = {"window": "Mon 02:00-02:01 UTC", "minimum_evidence": "ACCEPTED"}
        if time.gmtime().tm_wday == 0:
            closed["window"] = "Thu 02:00-02:01 UTC"

        async def talk(stub):
            await stub.Initialize(initialize(VOLCENGINE, estate, **closed))
            said = []
            for _ in range(3):
                with pytest.raises(GRPCError) as refused:
                    await stub.UpdateUser(change(tenant, password))
                said.append(refused.value.message)
            return said

        caplog.set_level("DEBUG", logger="lockstep")
        (first, *others) = serve(talk)
        assert others == [first] * 2
        assert "outside of the connection's `window`" in first
        assert [each.levelname for each in caplog.records if each.message == "refused"] == ["ERROR", "DEBUG", "DEBUG"]


def test_a_stored_connection_with_a_mistyped_plug_in_serves_and_says_so(estate, caplog):
    """An earlier release took it, and an update must leave no role dead."""
    user, new = estate.accounts[VOLCENGINE], candidate()

    async def talk(stub):
        reply = await stub.Initialize(initialize(VOLCENGINE, estate))
        stored = database_pb2.InitializeRequest(verify_connection=True)
        stored.config_data.update({**dict(reply.config_data.items()), "plugins": "rotation-drivr"})
        await stub.Initialize(stored)
        await stub.UpdateUser(change(user, new))

    serve(talk)
    assert user.live() == new
    assert [each.fields for each in caplog.records if "plug-in" in each.message] == [{"plugin": "rotation-drivr"}]


@pytest.mark.parametrize(("opener", "key", "variant"), ACCOUNTS)
def test_a_connection_is_verified_at_the_vendor(opener, key, variant):
    """A wrong key and a closed port are refused unless verify_connection is off; no account is touched."""
    del variant
    with opener(time.time, (key,)) as estate:
        code = key.partition("/")[0]
        secret = next(name for name in estate.admin if name in ("private_key", "secret_key"))
        right, wrong = initialize(code, estate), initialize(code, estate, **{secret: "not-the-key"})
        closed = initialize(code, estate, endpoint="http://127.0.0.1:9", hosts="127.0.0.1:9")

        async def talk(stub):
            await stub.Initialize(right)
            for request, status in ((wrong, Status.UNAUTHENTICATED), (closed, Status.INVALID_ARGUMENT)):
                with pytest.raises(GRPCError) as refused:
                    await stub.Initialize(request)
                assert refused.value.status is status, refused.value
                assert "not-the-key" not in str(refused.value)
                request.verify_connection = False
                await stub.Initialize(request)

        serve(talk)
        assert estate.accounts[key].changes() == 0
