"""Passwords per second, as JSON lines: ours, the recipe of the Python documentation, and a real OpenBao.

Every line names what was measured and the seconds per password; the ``ratio`` lines compare within this one run, which
is all that may be compared between machines. Run: ``python -m bench.passwords`` (``make bench``).
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

from rotation.drivers.registry import vendor_policies
from rotation.policy import Charset, Context, PasswordPolicy
from rotation.policy.model import DIGITS, LOWER, UPPER
from rotation.policy.render import to_hcl

VENDOR_POLICIES = vendor_policies()

PUNCTUATION = string.punctuation
ALPHABET = string.ascii_letters + DIGITS + PUNCTUATION
FOUR = PasswordPolicy(
    name="20 characters, four classes",
    length=20,
    charsets=(
        Charset("lower", LOWER, 1),
        Charset("upper", UPPER, 1),
        Charset("digit", DIGITS, 1),
        Charset("special", PUNCTUATION, 1),
    ),
)
# Ten digits at least among sixteen characters of 94: about one whole draw in a million is accepted.
RARE = PasswordPolicy(
    name="one draw in a million",
    length=16,
    charsets=(
        Charset("lower", LOWER, 1),
        Charset("upper", UPPER, 1),
        Charset("digit", DIGITS, 10),
        Charset("special", PUNCTUATION),
    ),
)


def recipe() -> str:
    """Make a password as the ``secrets`` page does: choose every character, repeat until the classes are there."""
    while True:
        password = "".join(secrets.choice(ALPHABET) for _ in range(20))
        if (
            any(char.islower() for char in password)
            and any(char.isupper() for char in password)
            and any(char.isdigit() for char in password)
            and any(char in PUNCTUATION for char in password)
        ):
            return password


def seconds_each(number: int, *makers: Callable[[], object], rounds: int = 7) -> list[float]:
    """Return the seconds for one call of each maker, in its best round; rounds take turns, so noise hits all alike."""
    best = [float("inf")] * len(makers)
    for _ in range(rounds):
        for index, make in enumerate(makers):
            started = time.perf_counter()
            for _ in range(number):
                make()
            best[index] = min(best[index], (time.perf_counter() - started) / number)
    return best


@contextmanager
def openbao() -> Iterator[Callable[[str, str, object], dict[str, dict[str, str]]]]:
    """Run a development server on loopback and yield a function that calls it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    connection = HTTPConnection("127.0.0.1", port, timeout=10)

    def call(method: str, path: str, body: object) -> dict[str, dict[str, str]]:
        try:
            connection.request(method, f"/v1/{path}", json.dumps(body), {"X-Vault-Token": "root"})
            text = connection.getresponse().read()
        except OSError:
            connection.close()
            raise
        reply: dict[str, dict[str, str]] = json.loads(text) if text else {}
        return reply

    with tempfile.TemporaryDirectory() as home, closing(connection):
        command = [str(Path(sys.executable).parent / "bao"), "server", "-dev", "-dev-root-token-id=root"]
        server = subprocess.Popen(  # noqa: S603 - our own development server
            [*command, f"-dev-listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"PATH": os.environ["PATH"], "HOME": home},
        )
        try:
            _wait(call, server)
            yield call
        finally:
            server.terminate()
            server.wait(timeout=10)


def _wait(call: Callable[[str, str, object], object], server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            call("GET", "sys/health", {})
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("OpenBao did not start")


def _say(**line: object) -> None:
    print(json.dumps(line))  # noqa: T201 - the result of the program


def main() -> None:
    """Measure and print."""
    ours, theirs = seconds_each(3_000, FOUR.generate, recipe)
    _say(bench="generate", policy=FOUR.name, seconds=ours, per_second=round(1 / ours))
    _say(bench="secrets.choice recipe", policy=FOUR.name, seconds=theirs, per_second=round(1 / theirs))
    _say(bench="ratio", of="secrets.choice recipe / generate", ratio=round(theirs / ours, 2), required=6)
    RARE.generate()
    [rare] = seconds_each(2_000, RARE.generate)
    _say(bench="generate", policy=RARE.name, acceptance=RARE.acceptance(), seconds=rare, required_below=1e-3)
    for code, variants in VENDOR_POLICIES.items():
        for variant, policy in variants.items():
            context = Context(username="zhang.san@example.com", previous=policy.generate())
            plain, known = seconds_each(300, policy.generate, partial(policy.generate, context))
            _say(bench="generate", policy=f"{code}/{variant}", seconds=plain, seconds_for_an_account=known)
    with openbao() as call:
        call("PUT", "sys/policies/password/bench", {"policy": to_hcl(FOUR).text})
        [remote] = seconds_each(300, lambda: call("GET", "sys/policies/password/bench/generate", {}))
    _say(bench="OpenBao generate endpoint", policy=FOUR.name, seconds=remote, per_second=round(1 / remote))
    _say(bench="ratio", of="OpenBao generate endpoint / generate", ratio=round(remote / ours, 2))


if __name__ == "__main__":
    main()
