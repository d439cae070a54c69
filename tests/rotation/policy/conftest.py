"""An independent judge of policies, for tests that look at whole sets of strings."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from rotation.policy import Context, PasswordPolicy

Judge = Callable[[PasswordPolicy, Context, str], bool]


def naive_judge(policy: PasswordPolicy, context: Context, text: str) -> bool:
    """Judge by reading the policy's fields one by one, without any code of the engine."""
    low = text.lower()
    return (
        right_shape(policy, text)
        and enough_classes(policy, text)
        and not any(piece.lower() in low for word in banned(policy, context) for piece in pieces(*word))
        and far_from_previous(policy, context, text)
        and text not in [secret.reveal() for secret in context.history]
    )


def right_shape(policy: PasswordPolicy, text: str) -> bool:
    """Judge length, alphabet, ends and runs."""
    alphabet = set().union(*(charset.chars for charset in policy.charsets))
    return (
        len(text) == policy.length
        and set(text) <= alphabet
        and text[0] not in policy.first_not
        and text[-1] not in policy.last_not
        and not (policy.max_repeat and any(char * (policy.max_repeat + 1) in text for char in text))
    )


def enough_classes(policy: PasswordPolicy, text: str) -> bool:
    """Judge minimums and k-of-n rules."""
    sets = {charset.name: set(charset.chars) for charset in policy.charsets}
    for charset in policy.charsets:
        if len([char for char in text if char in charset.chars]) < charset.min_chars:
            return False
    for rule in policy.classes:
        groups = rule.of or [(name,) for name in sets]
        present = [any(char in sets[name] for name in group for char in text) for group in groups]
        if present.count(True) < rule.count:
            return False
    return True


def banned(policy: PasswordPolicy, context: Context) -> list[tuple[str, int]]:
    """List the forbidden words and names, each with its shortest forbidden fragment."""
    words = [(word.text, word.fragment) for word in policy.words]
    for rule in policy.names:
        name = context.username if rule.key == "username" else context.names.get(rule.key, "")
        words += [(name, rule.fragment)] + [(name[::-1], rule.fragment)] * rule.backwards
    return words


def pieces(word: str, fragment: int) -> set[str]:
    """List what must not occur because of one word."""
    if fragment:
        return {word[a:b] for a in range(len(word)) for b in range(a + fragment, len(word) + 1)}
    return {word} - {""}


def far_from_previous(policy: PasswordPolicy, context: Context, text: str) -> bool:
    """Judge the distance from the previous password."""
    if context.previous is None:
        return True
    old = context.previous.reveal()
    pad = max(len(old), len(text))
    changed = sum(a != b for a, b in zip(old.ljust(pad, "\0"), text.ljust(pad, "\0"), strict=True))
    return text != old and changed >= policy.positions and len(set(text) - set(old)) >= policy.new_chars


@pytest.fixture(scope="session")
def judge() -> Judge:
    """The independent judge."""
    return naive_judge


class Bao:
    """A client of a development server, as small as the tests need."""

    def __init__(self, port: int) -> None:
        self.port = port

    def health(self) -> None:
        """Ask whether the server serves, over a connection of its own."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            call(connection, "GET", "sys/health")

    def passwords(self, hcl: str, number: int) -> list[str]:
        """Store a password policy and let the server generate from it."""
        path = "sys/policies/password/under-test"
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            call(connection, "PUT", path, {"policy": hcl})
            return [call(connection, "GET", f"{path}/generate")["data"]["password"] for _ in range(number)]


def call(connection: HTTPConnection, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send one request and return its JSON, empty when there is none."""
    connection.request(method, f"/v1/{path}", json.dumps(body or {}), {"X-Vault-Token": "root"})
    reply = connection.getresponse()
    text = reply.read()
    assert reply.status < 300, text
    return json.loads(text) if text else {}


@pytest.fixture(scope="session")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    """Run a real OpenBao development server on loopback."""
    binary = Path(sys.executable).parent / "bao"
    home = tmp_path_factory.mktemp("bao")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [binary, "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        client = Bao(port)
        wait_until_unsealed(client, server)
        yield client
    finally:
        server.terminate()
        server.wait(timeout=10)


def wait_until_unsealed(client: Bao, server: subprocess.Popen[bytes]) -> None:
    """Ask until the server answers, for half a minute at most."""
    deadline = time.monotonic() + 30
    while True:
        try:
            client.health()
        except (OSError, AssertionError):
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.05)  # a process starts in its own time
        else:
            return
