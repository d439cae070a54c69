"""Wrong logins outlast their versions, but never use up the labels that a secret has."""

from __future__ import annotations

from rotation.core.document import SecretDocument
from rotation.state import marks
from rotation.state.stages import CURRENT, PENDING
from rotation.stores.memory import MemorySecret, MemoryStore

NOW = 1_700_000_000
_ROTATIONS = 40


def test_many_rotations_with_a_wrong_login_each_leave_few_labels_and_lose_none() -> None:
    """Forty in an hour: each is still counted, and the labels stay far from AWS's limit of 20 for a secret."""
    secret = MemorySecret(now=lambda: float(NOW))
    secret.put("version-00", SecretDocument({"password": "old"}), CURRENT)
    store = MemoryStore(secret)
    for number in range(1, _ROTATIONS + 1):
        token, before = f"version-{number:02}", store.describe().current_id
        secret.put(token, SecretDocument({"password": f"new {number}"}), PENDING)
        store.mark(token, marks.intent(NOW + number))
        store.mark(token, marks.rejected(1, NOW + number))
        store.promote(token, current_id=before)
        store.settle(token)
        labels = [label for version in store.describe().versions.values() for label in version.labels]
        assert len(labels) <= 9
    count, latest = store.describe().wrong_logins(since=NOW)
    assert (count, latest) == (_ROTATIONS, NOW + _ROTATIONS)
