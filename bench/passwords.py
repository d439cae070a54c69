"""Passwords per second: ours, the recipe of the Python documentation, and a real OpenBao.

The ratios compare within this one run; only they may be compared between machines.
"""

from __future__ import annotations

import secrets
import string
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench.figures import Figure
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


def measure() -> Iterator[Figure]:
    """Yield passwords per second, and the ratios to the recipe and to OpenBao."""
    ours, recipe_seconds = seconds_each(3_000, FOUR.generate, recipe)
    yield _rate("generate", f"generate, {FOUR.name}", ours)
    yield _rate("recipe_rate", f"secrets.choice recipe, {FOUR.name}", recipe_seconds)
    yield Figure(
        key="passwords/recipe", name="generate, of the recipe", value=recipe_seconds / ours, unit="times as fast"
    )
    RARE.generate()
    [rare] = seconds_each(2_000, RARE.generate)
    yield Figure(
        key="passwords/rare",
        name=f"generate, {RARE.name}",
        value=rare,
        unit="s each",
        detail=f"acceptance {RARE.acceptance():.1e}",
    )
    for code, variants in vendor_policies().items():
        for variant, policy in variants.items():
            context = Context(username="zhang.san@example.com", previous=policy.generate())
            plain, known = seconds_each(300, policy.generate, partial(policy.generate, context))
            detail = f"{1 / known:,.0f} for an account with a name and a previous password"
            yield _rate(f"{code}/{variant}", f"generate, {code} {variant}", plain, detail)
    remote = openbao_seconds()
    yield _rate("openbao", f"OpenBao's generate endpoint, {FOUR.name}", remote)
    yield Figure(
        key="passwords/openbao_ratio", name="generate, of OpenBao's endpoint", value=remote / ours, unit="times as fast"
    )


def _rate(key: str, name: str, seconds: float, detail: str = "") -> Figure:
    return Figure(key=f"passwords/{key}", name=name, value=1 / seconds, unit="passwords/s", detail=detail)
