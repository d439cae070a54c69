"""Serve one plug-in until the host ends it or is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from grpclib.events import RecvRequest, listen
from grpclib.server import Server

from vault_plugin.goplugin import logs, services
from vault_plugin.goplugin.handshake import Cookie, HandshakeError, Offer, Stdout, line
from vault_plugin.goplugin.listener import Listener
from vault_plugin.goplugin.tls import Identity

MULTIPLEXED = 6
"""The first protocol version in which one process serves all connections."""

_FIRST_CALL_SECONDS = 60.0
"""Seconds after which go-plugin has given up; a plug-in whose TLS failed would otherwise stay for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """The plug-in to serve.

    Attributes:
        version: a semantic version with a leading ``v``.
        logger: the root of the loggers whose records are written.
        services: makes the plug-in's own services; called once, inside the event loop.
        network: ``unix`` or ``tcp``.
    """

    cookie: Cookie
    protocols: frozenset[int]
    version: str
    logger: str
    services: Callable[[], Sequence[Any]]
    network: str


def serve(plugin: Plugin) -> int:
    """Serve and return the exit code. Do not wait for a running call: the host has given it up."""
    stdout = Stdout()
    logs.set_up(plugin.logger)
    try:
        offer = Offer.read(os.environ, plugin.cookie, plugin.protocols)
        asyncio.run(_serve(plugin, offer, stdout))
    except HandshakeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def _serve(plugin: Plugin, offer: Offer, stdout: Stdout) -> None:
    parent = os.getppid()
    loop = asyncio.get_running_loop()
    stop, called = asyncio.Event(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)  # Ctrl-C in the host's terminal is meant for the host
    identity = Identity.create(offer.client_certificate)
    server = Server(
        [
            services.Controller(stop.set),
            services.Stdio(),
            services.Broker(),
            services.Health(),
            services.Multiplexing(supported=offer.version >= MULTIPLEXED),
            services.Version(plugin.version),
            *plugin.services(),
        ]
    )

    async def note_call(_: RecvRequest) -> None:
        called.set()

    listen(server, RecvRequest, note_call)
    with Listener(offer, plugin.network) as listener:
        await server.start(sock=listener.socket, ssl=identity.context)
        stdout.say(line(offer.version, listener.address, identity.certificate))
        watchers = [asyncio.create_task(_watch(parent, stop)), asyncio.create_task(_expect(called, stop))]
        listener.sweep()
        await stop.wait()
        for watcher in watchers:
            watcher.cancel()
        server.close()
        await asyncio.sleep(0)  # lets the answer to Shutdown go out


async def _watch(parent: int, stop: asyncio.Event) -> None:
    """Stop when the host is gone: a killed host, and some that end in order, leave their plug-ins running."""
    while os.getppid() == parent:  # noqa: ASYNC110 - no event says that a parent is gone
        await asyncio.sleep(1)
    stop.set()


async def _expect(called: asyncio.Event, stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(called.wait(), _FIRST_CALL_SECONDS)
    except TimeoutError:
        stop.set()
