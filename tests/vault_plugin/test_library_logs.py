"""No entry lets a library write a line: function, command, job and plug-in, at every level, whatever a peer echoes.

The vendor's answers here echo each request in a header that urllib3 cannot parse and therefore quotes in a warning. The
leak canary, which listens in every test, would fail the test as well.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from rotation import handler
from rotation.cli.app import run as lockstep
from rotation.core.errors import RotationError
from rotation.core.process.library_logs import TALKATIVE
from rotation_testkit.doubles.secretsmanager import RotationState
from rotation_testkit.doubles.vault.openbao import OpenBao
from rotation_testkit.processes.function_context import FunctionContext
from rotation_testkit.sandbox.sandbox import FUNCTION_ARN, HUAWEI
from vault_plugin.functions import mirrored, scheduled


class Echo(socketserver.StreamRequestHandler):
    """Answers with the request, in clear, among the headers."""

    heard = 0

    def handle(self) -> None:
        """Answer one request."""
        Echo.heard += 1
        said = self.request.recv(65536)
        for line in said.split(b"\r\n"):
            if line.lower().startswith(b"authorization: basic "):
                said += base64.b64decode(line.split()[-1])
        echoed = said.replace(b"\r\n", b" ")
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header " + echoed + b"\r\nA: b\r\n\r\n{}")


@pytest.fixture
def echo() -> Iterator[str]:
    """Yield the address of a vendor that echoes."""
    Echo.heard = 0
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@dataclass
class Given:
    """A sandbox whose vendor echoes, and the variables of a deployment."""

    sandbox: Any
    environment: dict[str, str]
    clear: Callable[[], None]

    def set_variables(self) -> None:
        """Set the variables in this process."""
        for name, value in self.environment.items():
            os.environ[name] = value

    @property
    def client(self) -> Any:
        """A client for Secrets Manager; what making it wrote is forgotten."""
        made = self.sandbox.world.secrets_manager.client(direct=True)
        self.clear()
        return made


def by_command(given: Given) -> None:
    """Rotate the secret in AWS by the command line."""
    given.set_variables()
    assert lockstep(["rotate", given.sandbox.world.accounts[HUAWEI], "--json"]) == 1


def by_vault_command(given: Given) -> None:
    """Rotate the secret in KV by the command line."""
    given.set_variables()
    assert lockstep(["vault", "rotate", given.sandbox.path(HUAWEI), "--attempts=1", "--json"]) == 1


def by_schedule(given: Given) -> None:
    """Rotate the secret in KV by the scheduled function."""
    clock = given.sandbox.world.clock
    clock.sleep(31 * 86_400)
    surroundings = scheduled.Surroundings(
        environment=given.environment, clock=clock, wrap_store=None, log=io.StringIO()
    )
    with suppress(scheduled.RotationsFailed):  # whether it fails or is parked does not matter here
        scheduled.handle({"prefix": f"{given.sandbox.folder}/apps"}, FunctionContext.lasting(900), surroundings)


def by_function(given: Given) -> None:
    """Rotate the secret in AWS by the function."""
    world, client = given.sandbox.world, given.client
    surroundings = handler.World(connect=lambda: client, environment=given.environment, clock=world.clock)

    def serve(event: dict[str, object]) -> None:
        handler.handle(event, FunctionContext.lasting(900), surroundings)

    world.secrets_manager.register_function(FUNCTION_ARN, serve)
    rules = {"AutomaticallyAfterDays": 1}
    ended = world.secrets_manager.rotate(world.accounts[HUAWEI], function=FUNCTION_ARN, rules=rules)
    assert ended.state is not RotationState.SUCCEEDED


def by_mirror(given: Given) -> None:
    """Write the mirror after a rotation, to a server that echoes."""
    world, client = given.sandbox.world, given.client
    event = {"Step": "finishSecret", "SecretId": world.accounts[HUAWEI], "ClientRequestToken": "t" * 36}
    server = given.environment["LOCKSTEP_HUAWEI_MEETING_ENDPOINT"]
    environment = given.environment | {"VAULT_ADDR": server, mirrored.PREFIX: "mirror"}
    with pytest.raises(RotationError):
        mirrored.after(event, FunctionContext.lasting(900), environment, world.clock, lambda: client)


ENTRIES = (by_command, by_vault_command, by_schedule, by_function, by_mirror)


@pytest.fixture
def loud(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Return the log, to which every library may write at any level."""
    caplog.set_level(logging.DEBUG)
    for name in ("urllib3", "urllib3.connectionpool", "botocore", "botocore.parsers", "hvac"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


@pytest.mark.parametrize("enter", ENTRIES)
def test_no_entry_lets_a_library_write(
    real: Any, openbao: OpenBao, echo: str, loud: pytest.LogCaptureFixture, enter: Callable[[Given], None]
) -> None:
    """The password that an answer echoes is in no line, and no library writes one, whatever the level."""
    with pytest.MonkeyPatch.context() as patch, real(holding=(HUAWEI,), custom={"lockstep-every": "30d"}) as started:
        for name in os.environ:
            patch.setenv(name, os.environ[name])  # brought back at the end
        environment = started.environment() | {
            "VAULT_ADDR": openbao.address,
            "VAULT_TOKEN": openbao.root_token.reveal(),
            "LOCKSTEP_HUAWEI_MEETING_ENDPOINT": f"http://{echo}",
            "LOCKSTEP_HOSTS": echo,
        }
        for name in environment:
            patch.setenv(name, "")
        loud.clear()
        enter(Given(started, environment, loud.clear))
        assert {each.name for each in loud.records if each.name.partition(".")[0] in TALKATIVE} == set()
        assert Echo.heard > 0


def test_the_plug_in_silences_libraries_and_forbids_dumps_before_it_serves() -> None:
    """The plug-in's process writes no line of a library, and no process of its user may read its memory."""
    code = (
        "import logging, vault_plugin.database.__main__ as plugin\n"
        "plugin.serve = lambda _: 0\n"
        "plugin.os = type('os', (), {'_exit': lambda _: None, 'environ': {}})\n"
        "plugin.main()\n"
        "import ctypes; print('dumpable:', ctypes.CDLL(None).prctl(3))\n"
        "logging.getLogger('urllib3.connectionpool').warning('unparsed data')\n"
        "logging.getLogger('other').warning('heard')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "heard\n"
    assert ran.stdout == "dumpable: 0\n"


def test_the_fleets_function_silences_libraries() -> None:
    """It reads no value; what a library would write of its answers is written nowhere all the same."""
    code = (
        "import contextlib, logging\n"
        "from rotation.core.errors import EventError\n"
        "from rotation.stores.aws.fleet import function\n"
        "with contextlib.suppress(EventError):\n"
        "    function.handle({'do': 'nothing'}, None, None)\n"
        "logging.getLogger('botocore.parsers').warning('unparsed data')\n"
        "logging.getLogger('other').warning('heard')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr.splitlines()[1:] == ["heard"]
