"""The memory store keeps the contract of every store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import StoreError
from rotation.core.secret import Secret
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.conformance.store_backdoor import BASE, FIRST, LIVE, NEXT, Cut
from rotation_testkit.conformance.store_suite import StoreConformance


class _Cuttable(MemorySecret):
    """Ends the process at a chosen label operation."""

    left: int | None = None

    def _count(self) -> None:
        if self.left is not None:
            if self.left == 0:
                raise Cut
            self.left -= 1

    def attach(self, label: str, version_id: str) -> None:
        self._count()
        super().attach(label, version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        self._count()
        super().move(label, source=source, target=target)

    def detach(self, label: str, version_id: str) -> None:
        self._count()
        super().detach(label, version_id)


class _Door:
    """The operator's side of a secret in memory."""

    def __init__(self) -> None:
        self.secret = _Cuttable(now=lambda: 1_700_000_000.0)
        self.secret.put(BASE, LIVE, "AWSCURRENT")

    def store(self) -> MemoryStore:
        return MemoryStore(self.secret)

    def begin(self, token: str) -> None:
        self.secret.put(token, None, "AWSPENDING")

    def put_text(self, token: str, text: Secret) -> None:
        self.secret.put(token, LIVE, "AWSPENDING")
        self.secret._versions[token].text = text

    def strip(self, token: str, stage: str) -> None:
        self.secret.detach(stage, token)

    def disable(self) -> None:
        self.secret.rotation_enabled = False

    @contextmanager
    def cut_after(self, operations: int) -> Iterator[None]:
        self.secret.left = operations
        try:
            yield
        finally:
            self.secret.left = None


class TestMemoryStore(StoreConformance):
    """``rotation.stores.memory``."""

    @contextmanager
    def make(self) -> Iterator[_Door]:
        """Return a new secret."""
        yield _Door()


def test_a_repeated_put_keeps_the_time_of_the_first() -> None:
    """``created`` is when the value was made, as Secrets Manager has it."""
    clock = iter([1.0, 2.0, 3.0])
    secret = MemorySecret(now=lambda: next(clock))
    secret.put(BASE, LIVE, "AWSCURRENT")
    for _ in range(2):
        MemoryStore(secret).stage(FIRST, NEXT)
    value = secret.read(FIRST)
    assert value is not None
    assert value.created == 2.0


def test_an_operators_new_version_leaves_previous_behind() -> None:
    """As PutSecretValue does."""
    secret = MemorySecret(now=lambda: 0.0)
    secret.put(BASE, LIVE, "AWSCURRENT")
    secret.put(FIRST, SecretDocument({"password": "by hand"}), "AWSCURRENT")
    assert (secret.describe().current_id, secret.describe().previous_id) == (FIRST, BASE)


@pytest.mark.parametrize("label", ["x" * 257, "lockstep:task:" + "t" * 243])
def test_a_label_has_at_most_256_characters(label: str) -> None:
    """As staging labels have."""
    secret = MemorySecret(now=lambda: 0.0)
    secret.put(BASE, LIVE, "AWSCURRENT")
    with pytest.raises(StoreError):
        secret.attach(label, BASE)
    secret.attach(label[:256], BASE)
