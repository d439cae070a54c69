"""The plug-in's process as a host sees it: handshake, mutual TLS, the seven services, and every way to end it."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from rotation_testkit.doubles.hosts.certificate import Certificate
from vault_plugin.database.pb import database_grpc, database_pb2
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

Ask = Callable[[Channel], Awaitable[Any]]


CALLS = {
    "version": lambda channel: version_grpc.PluginVersionStub(channel).Version(version_pb2.Nothing()),
    "health": lambda channel: health_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="plugin")),
    "multiplexing": lambda channel: multiplexing_grpc.PluginMultiplexingStub(channel).MultiplexingSupport(
        multiplexing_pb2.MultiplexingSupportRequest()
    ),
    "type": lambda channel: database_grpc.DatabaseStub(channel).Type(database_pb2.Nothing()),
    "shutdown": lambda channel: controller_grpc.GRPCControllerStub(channel).Shutdown(controller_pb2.Nothing()),
}


def ask(plugin, *asks, **who):
    """Return the plug-in's answers to calls, each a name or a function, on one connection; by default the host's."""

    async def all_of_them():
        channel = plugin.channel(**who)
        try:
            return [await asyncio.wait_for(CALLS.get(each, each)(channel), 30) for each in asks]
        finally:
            await _close(channel)

    return asyncio.run(all_of_them())


async def _close(channel):
    """Close at once: an orderly end of TLS would outlive the event loop, and leave its socket to the collector."""
    transport = getattr(getattr(channel._protocol, "connection", None), "_transport", None)
    channel.close()
    if transport is not None:
        transport.abort()
    for _ in range(5):
        await asyncio.sleep(0)


async def streams(channel):
    """Return whether standard output's stream stays open, and whether the broker's ends when the host ends it."""
    broker = controller_grpc.GRPCBrokerStub(channel)
    async with broker.StartStream.open() as stream:
        await stream.send_message(controller_pb2.ConnInfo(service_id=1), end=True)
        broker_ended = await stream.recv_message() is None
    stdio = controller_grpc.GRPCStdioStub(channel)
    from google.protobuf import empty_pb2

    async with stdio.StreamStdio.open() as stream:
        await stream.send_message(empty_pb2.Empty(), end=True)
        received, _ = await asyncio.wait([asyncio.create_task(stream.recv_message())], timeout=0.2)
        await stream.cancel()
    return not received, broker_ended


def test_all_seven_services_answer_over_mutual_tls(host):
    """The handshake line has six fields; every service answers the host and no other client, until Shutdown."""
    plugin = host.start()
    core, protocol, network, path, wire, certificate = plugin.fields
    assert (core, protocol, network, wire) == ("1", "6", "unix", "grpc")
    assert not certificate.endswith("=")
    number, health, multiplexing, kind, opened = ask(plugin, "version", "health", "multiplexing", "type", streams)
    assert (number.plugin_version, multiplexing.supported, kind.type) == ("v0.1.0", True, "lockstep")
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    assert opened == (True, True)
    folder = Path(path).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(each.name for each in folder.iterdir()) == ["s"]  # and no key beside it
    assert [each for each in host.folder.rglob("*") if each.is_file()] == []  # nor anywhere else

    for who in ({"anonymous": True}, {"identity": Certificate("127.0.0.1")}):
        with pytest.raises((OSError, StreamTerminatedError)):
            ask(plugin, "version", **who)
    ask(plugin, "version", "shutdown")
    assert plugin.process.wait(30) == 0
    assert not folder.exists()


def test_tcp_and_protocol_5(host):
    """With --tcp it listens on a loopback port of the allowed range; for a protocol 5 host it is not multiplexed."""
    plugin = host.start("--tcp", PLUGIN_PROTOCOL_VERSIONS="5")
    assert plugin.fields[1:3] == ["5", "tcp"]
    address, _, port = plugin.fields[3].partition(":")
    assert address == "127.0.0.1"
    assert 10000 <= int(port) <= 25000
    support, number = ask(plugin, "multiplexing", "version")
    assert (support.supported, number.plugin_version) == (False, "v0.1.0")


def test_it_ends_when_its_host_is_gone(host):
    """A killed host cannot call Shutdown, so the plug-in ends when its parent is gone."""
    script = (
        "import subprocess, sys\n"
        "command = [sys.executable, '-m', 'vault_plugin.database']\n"
        "plugin = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)\n"
        "print(plugin.pid, plugin.stdout.readline().strip(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=host.environment(),
    )
    pid, _, line = parent.stdout.readline().partition(" ")
    gone = os.pidfd_open(int(pid))
    try:
        assert line.startswith("1|6|unix|")
        parent.kill()
        parent.wait()
        # A process's descriptor becomes readable when it ends.
        asyncio.run(asyncio.wait_for(_readable(gone), 30))
    finally:
        os.close(gone)
        parent.stdin.close()
        parent.stdout.close()


async def _readable(descriptor):
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(descriptor, ready.set)
    await ready.wait()


def test_log_lines_are_hclog_and_dynamic_users_are_refused(host):
    """Each line on standard error is a JSON object, NewUser and DeleteUser are refused, and only SIGTERM ends it."""
    plugin = host.start()

    async def refused(channel):
        stub = database_grpc.DatabaseStub(channel)
        found, password = [], database_pb2.ChangePassword(new_password="hunter2-hunter2")
        for call in (
            stub.NewUser(database_pb2.NewUserRequest(password="hunter2-hunter2")),
            stub.DeleteUser(database_pb2.DeleteUserRequest(username="bob")),
            stub.UpdateUser(database_pb2.UpdateUserRequest(password=password)),
            stub.Initialize(database_pb2.InitializeRequest()),
        ):
            with pytest.raises(GRPCError) as error:
                await call
            found.append(error.value)
        return found

    ask(plugin, "version")
    plugin.process.send_signal(signal.SIGINT)
    new, delete, update, initialize = ask(plugin, refused)[0]
    assert (new.status, delete.status) == (Status.UNIMPLEMENTED, Status.UNIMPLEMENTED)
    assert (update.status, initialize.status) == (Status.FAILED_PRECONDITION, Status.INVALID_ARGUMENT)
    assert "driver is missing" in str(initialize.message)
    plugin.process.terminate()
    assert plugin.process.wait(30) == 0
    lines = plugin.process.stderr.read().splitlines()
    entry = json.loads(lines[-1])
    assert entry.keys() >= {"@level", "@message", "@module", "@timestamp", "status", "error"}
    assert entry["@level"] == "error"
    assert "hunter2" not in "".join(lines)
