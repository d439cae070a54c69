"""The six services of the plug-in protocol; the seventh, the plug-in's own, is added by ``server``.

All of them must exist: grpclib answers an unknown method without a content type, which Go does not read as
"unimplemented", and the host then gives the plug-in up (OpenBao 2.7.2, measured 2026-11-22).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from vault_plugin.goplugin.pb import (
    controller_grpc,
    controller_pb2,
    health_grpc,
    health_pb2,
    multiplexing_grpc,
    multiplexing_pb2,
    version_grpc,
    version_pb2,
)

Stream = Any  # mypy sees no types of protobuf's generated classes


class Controller(controller_grpc.GRPCControllerBase):
    """Ends the process when the host asks for it; without this service the host kills it after two seconds."""

    def __init__(self, stop: Callable[[], None]) -> None:
        self._stop = stop

    async def Shutdown(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Answer, then stop."""
        await stream.recv_message()
        await stream.send_message(controller_pb2.Nothing())
        self._stop()


class Stdio(controller_grpc.GRPCStdioBase):
    """The stream of the plug-in's output. It stays open and empty until the host ends it."""

    async def StreamStdio(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Wait for the end of the connection."""
        await stream.recv_message()
        await asyncio.get_running_loop().create_future()


class Broker(controller_grpc.GRPCBrokerBase):
    """Opens further connections, which this plug-in does not need."""

    async def StartStream(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Read the host's messages until it ends the stream."""
        async for _ in stream:
            pass


class Health(health_grpc.HealthBase):
    """Answers that the process serves."""

    async def Check(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Answer for the whole plug-in."""
        request = await stream.recv_message()
        if request.service not in ("", "plugin"):
            raise GRPCError(Status.NOT_FOUND, "there is no such service")
        await stream.send_message(health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING))


class Multiplexing(multiplexing_grpc.PluginMultiplexingBase):
    """Answers whether one process serves all of the host's connections."""

    def __init__(self, *, supported: bool) -> None:
        self._supported = supported

    async def MultiplexingSupport(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Answer whether the protocol version allows it."""
        await stream.recv_message()
        await stream.send_message(multiplexing_pb2.MultiplexingSupportResponse(supported=self._supported))


class Version(version_grpc.PluginVersionBase):
    """Answers with the plug-in's version; the catalog refuses another version than the registered one."""

    def __init__(self, version: str) -> None:
        self._version = version

    async def Version(self, stream: Stream) -> None:  # noqa: N802 - the protocol's name
        """Answer with the version."""
        await stream.recv_message()
        await stream.send_message(version_pb2.VersionReply(plugin_version=self._version))
