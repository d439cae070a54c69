"""Measure passwords per second: ours, the recipe of the Python documentation, and a real OpenBao, as JSON lines.

Every line names what was measured and the seconds per password. The ``ratio`` lines compare within this one run; only
they may be compared between machines. Run: ``python -m bench.passwords`` (``make bench``).
"""

from __future__ import annotations

import json
import secrets
import string
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from rotation.drivers.registry import vendor_policies
from rotation.policy import Charset, Context, PasswordPolicy, charsets
from rotation.policy.model import DIGITS
from rotation.policy.render import to_hcl
from rotation_testkit.doubles.vault.openbao import OpenBao

PUNCTUATION = string.punctuation
ALPHABET = string.ascii_letters + DIGITS + PUNCTUATION
FOUR = PasswordPolicy(
    name="20 characters, four classes",
    length=20,
    charsets=tuple(replace(charset, min_chars=1) for charset in charsets(PUNCTUATION)),
)
# Ten digits at least among sixteen characters of 94: about one whole draw in a million is accepted.
RARE = PasswordPolicy(
    name="one draw in a million",
    length=16,
    charsets=(*FOUR.charsets[:2], Charset("digit", DIGITS, 10), Charset("special", PUNCTUATION)),
)


def recipe() -> str:
    """Return a password by the recipe of the ``secrets`` page: draw 20 characters until all classes occur."""
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
    """Return the seconds for one call of each maker, in its best round; the makers take turns, so noise hits all."""
    best = [float("inf")] * len(makers)
    for _ in range(rounds):
        for index, make in enumerate(makers):
            started = time.perf_counter()
            for _ in range(number):
                make()
            best[index] = min(best[index], (time.perf_counter() - started) / number)
    return best


def openbao_seconds() -> float:
    """Return the seconds for one password of OpenBao's generate endpoint, over one connection on loopback."""
    with (
        tempfile.TemporaryDirectory() as home,
        OpenBao(Path(home), storage="inmem", log_level="error", audited=False) as server,
        closing(HTTPConnection(urlsplit(server.address).netloc, timeout=10)) as connection,
    ):
        path = "/v1/sys/policies/password/bench"
        server.client().adapter.put(path, json={"policy": to_hcl(FOUR).text})

        def generate() -> None:
            connection.request("GET", f"{path}/generate", headers={"X-Vault-Token": server.root_token.reveal()})
            reply = connection.getresponse()
            if reply.status != HTTPStatus.OK or not reply.read():
                raise SystemExit("OpenBao makes no passwords")

        return seconds_each(300, generate)[0]


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
    for code, variants in vendor_policies().items():
        for variant, policy in variants.items():
            context = Context(username="zhang.san@example.com", previous=policy.generate())
            plain, known = seconds_each(300, policy.generate, partial(policy.generate, context))
            _say(bench="generate", policy=f"{code}/{variant}", seconds=plain, seconds_for_an_account=known)
    remote = openbao_seconds()
    _say(bench="OpenBao generate endpoint", policy=FOUR.name, seconds=remote, per_second=round(1 / remote))
    _say(bench="ratio", of="OpenBao generate endpoint / generate", ratio=round(remote / ours, 2))


if __name__ == "__main__":
    main()
