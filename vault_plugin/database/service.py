"""The service ``dbplugin.v5.Database``: it translates messages; ``update`` does the work.

Calls to a vendor run in threads, since ``Type`` and ``Close`` must be answered within a second.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from vault_plugin.database.pb import database_grpc, database_pb2

if TYPE_CHECKING:
    from vault_plugin.database.connection import Connection
    from vault_plugin.database.memory import Memory

T = TypeVar("T")
Stream = Any  # mypy sees no types of protobuf's generated classes

_PASSWORD = 0
"""The credential type of passwords."""
_MOST_CALLS = 64
_NO_DYNAMIC = "Lockstep rotates the passwords of accounts that exist; it neither makes nor deletes accounts"


class Database(database_grpc.DatabaseBase):
    """All connections that the host multiplexes over this process.

    Only what the handshake needs is imported before the first call, since a host starts the plug-in even to read its
    version.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._connections: dict[str, Connection] = {}
        self._memory: Memory | None = None
        self._threads = ThreadPoolExecutor(_MOST_CALLS, thread_name_prefix="call")
        self._log = logging.getLogger("lockstep")
        self._waiting: dict[str, str] = {}

    async def Initialize(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Check a connection's configuration and answer with what is to be stored."""
        request = await stream.recv_message()
        connection = await self._in_thread(lambda left: _load(request, left), 30.0)
        self._connections[_multiplex_id(stream)] = connection
        for each in connection.absent:
            self._log.warning("a plug-in of a connection is not installed", extra={"fields": {"plugin": each}})
        reply = database_pb2.InitializeResponse()
        reply.config_data.update(connection.stored())
        await stream.send_message(reply)

    async def UpdateUser(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Change one password. Success means that the new password is proved."""
        request = await stream.recv_message()
        if not request.HasField("password") or request.credential_type != _PASSWORD:
            raise GRPCError(Status.INVALID_ARGUMENT, "only passwords of static roles can be changed")
        connection = self._connection(stream)
        seconds = float(connection.keys.deadline_seconds)
        if stream.deadline is not None:
            seconds = min(seconds, stream.deadline.time_remaining())
        who = f"{connection.spec.code} {request.username}"
        evidence = await self._in_thread(lambda left: self._update(connection, request, left), seconds, who)
        fields = {"driver": connection.spec.code, "username": request.username, "evidence": evidence}
        self._log.info("rotated", extra={"fields": fields})
        await stream.send_message(database_pb2.Nothing())

    async def NewUser(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Refuse: there are no dynamic users."""
        await stream.recv_message()
        raise GRPCError(Status.UNIMPLEMENTED, f"{_NO_DYNAMIC}. Make a static role.")

    async def DeleteUser(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Refuse: there are no dynamic users."""
        await stream.recv_message()
        raise GRPCError(Status.UNIMPLEMENTED, f"{_NO_DYNAMIC}.")

    async def Type(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Answer with the plug-in's name for logs and metrics."""
        await stream.recv_message()
        await stream.send_message(database_pb2.TypeResponse(type=self._name))

    async def Close(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Forget one connection. The memory of its accounts stays, since the next connection needs it."""
        await stream.recv_message()
        self._connections.pop(_multiplex_id(stream), None)
        await stream.send_message(database_pb2.Nothing())

    def _connection(self, stream: Stream) -> Connection:
        try:
            return self._connections[_multiplex_id(stream)]
        except KeyError:
            raise GRPCError(Status.FAILED_PRECONDITION, "this connection was not initialized") from None

    def _update(self, connection: Connection, request: Stream, time_left: Callable[[], float]) -> str:
        from rotation.core.clock import SystemClock
        from rotation.core.secret import Secret
        from vault_plugin.database.memory import Memory
        from vault_plugin.database.update import Change, update

        with _ONE:
            memory = self._memory = self._memory or Memory()
        change = Change(
            username=request.username,
            password=Secret(request.password.new_password),
            statements=tuple(request.password.statements.commands),
            time_left=time_left,
        )
        return update(connection, memory, change, SystemClock()).name

    async def _in_thread(self, work: Callable[[Callable[[], float]], T], seconds: float, who: str = "") -> T:
        """Run ``work(time_left)`` in a thread and raise its error as a status.

        Once the caller is gone or the time is over, ``time_left`` is 0, so the work begins nothing more.
        """
        given_up = threading.Event()
        end = time.monotonic() + seconds

        def time_left() -> float:
            return 0.0 if given_up.is_set() else max(0.0, end - time.monotonic())

        context = contextvars.copy_context()
        running = asyncio.get_running_loop().run_in_executor(self._threads, context.run, _guarded, work, time_left)
        try:
            outcome = await asyncio.wait_for(asyncio.shield(running), seconds)
        except TimeoutError:
            self._log.error("a call outlasted its deadline")
            message = "not_enough_time: the rotation outlasted its deadline; the next attempt finds out how it ended"
            raise GRPCError(Status.DEADLINE_EXCEEDED, message) from None
        finally:
            given_up.set()
        if isinstance(outcome, GRPCError):
            self._say_refused(outcome, who)
            raise outcome
        self._waiting.pop(who, None)
        return outcome

    def _say_refused(self, outcome: GRPCError, who: str) -> None:
        """Log a refusal; one that only waits is logged once, since the server tries again every ten seconds."""
        message = str(outcome.message)
        again = self._waiting.get(who) == message
        if who and outcome.status is Status.UNAVAILABLE:
            self._waiting[who] = message
        level = logging.DEBUG if again else logging.ERROR
        self._log.log(level, "refused", extra={"fields": {"status": outcome.status.name, "error": message}})


_ONE = threading.Lock()


def _load(request: Stream, time_left: Callable[[], float]) -> Connection:
    from google.protobuf.json_format import MessageToDict

    from vault_plugin.database.connection import Connection

    connection = Connection.load(MessageToDict(request.config_data))
    if request.verify_connection:
        connection.reach(time_left)
    return connection


def _guarded(work: Callable[[Callable[[], float]], T], time_left: Callable[[], float]) -> T | GRPCError:
    """Return the outcome or the error: an exception raised in the thread would carry frames that hold values."""
    from rotation.core.errors import InternalError, MissingExtra, RotationError
    from vault_plugin.database.codes import as_grpc

    try:
        return work(time_left)
    except RotationError as error:
        return as_grpc(error)
    except ImportError as missing:
        return as_grpc(MissingExtra(f"the plug-in's interpreter has no library {missing.name}"))
    except Exception as foreign:  # noqa: BLE001 - its text may hold a value, so only its type gets out
        return as_grpc(InternalError.of(foreign))


def _multiplex_id(stream: Stream) -> str:
    return str(stream.metadata.get("multiplex_id", ""))
