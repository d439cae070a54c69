"""Facts about the lease, one after another; ``test_lease_interleavings.py`` has all orders."""

from __future__ import annotations

import pytest

from rotation.core.errors import InProgress, StageConflict, StoreUnavailable
from rotation.state.lease import Claim, Lease, announcements, give_back, latest, take
from rotation.stores.memory import MemorySecret

CLAIM = Claim("aa", 100.0, 160.5)


def _secret(**labels: str) -> MemorySecret:
    secret = MemorySecret(now=lambda: 0.0)
    for version, text in labels.items():
        secret.put(version, None, *text.split())
    return secret


def _labels(secret: MemorySecret) -> dict[str, set[str]]:
    return {key: set(version.labels) for key, version in secret.describe().versions.items()}


def test_taking_it_leaves_the_lease_and_an_announcement_on_the_tokens_version() -> None:
    """The announcement is rounded up: a run must never seem dead while it lives."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    take(secret, secret.describe(), "t", CLAIM)
    assert _labels(secret) == {
        "c": {"AWSCURRENT"},
        "t": {"AWSPENDING", "lockstep:lease:1:c", "lockstep:until:161:aa:1:c"},
    }


def test_giving_it_back_takes_the_announcement_away() -> None:
    """The used lease stays until the next one is won."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    take(secret, secret.describe(), "t", CLAIM)
    give_back(secret, secret.describe(), "t", holder="bb")
    assert [each.holder for each in announcements(secret.describe())] == ["aa"]
    give_back(secret, secret.describe(), "t", holder="aa")
    give_back(secret, secret.describe(), "t", holder="aa")
    assert _labels(secret)["t"] == {"AWSPENDING", "lockstep:lease:1:c"}


def test_the_next_one_is_of_the_next_generation_and_removes_the_used_one() -> None:
    """A lease is won once."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING lockstep:lease:7:b lockstep:until:50:dd:7:b")
    take(secret, secret.describe(), "t", CLAIM)
    assert _labels(secret)["t"] == {"AWSPENDING", "lockstep:lease:8:c", "lockstep:until:161:aa:8:c"}


def test_an_unclaimed_one_is_taken_from_where_it_is() -> None:
    """Somebody attached it and died before moving it, even before another promotion."""
    secret = _secret(b="AWSPREVIOUS lockstep:lease:7:b", c="AWSCURRENT", t="AWSPENDING")
    take(secret, secret.describe(), "t", CLAIM)
    assert latest(secret.describe()) == Lease(7, "b")
    assert "lockstep:lease:7:b" in _labels(secret)["t"]


@pytest.mark.parametrize("where", ["b", "c", "t"])
def test_a_living_announcement_on_any_version_means_busy(where: str) -> None:
    """A living run is left alone whatever it announces, and the error says until when."""
    labels = {"b": "AWSPREVIOUS", "c": "AWSCURRENT", "t": "AWSPENDING"}
    labels[where] += " lockstep:until:101:dd:3:x"
    secret = _secret(**labels)
    before = _labels(secret)
    with pytest.raises(InProgress) as caught:
        take(secret, secret.describe(), "t", CLAIM)
    assert caught.value.not_before == 101
    assert _labels(secret) == before


def test_an_expired_announcement_means_nothing() -> None:
    """The next run that wins removes it."""
    secret = _secret(c="AWSCURRENT lockstep:until:100:dd:3:x", t="AWSPENDING")
    take(secret, secret.describe(), "t", CLAIM)
    assert _labels(secret)["c"] == {"AWSCURRENT"}


@pytest.mark.parametrize(("token", "labels"), [("c", {"c": "AWSCURRENT"}), ("t", {"t": "AWSPENDING"})])
def test_it_needs_a_current_version_beside_the_token(token: str, labels: dict[str, str]) -> None:
    """There would be no version to move it from."""
    secret = _secret(**labels)
    with pytest.raises(StageConflict):
        take(secret, secret.describe(), token, CLAIM)
    assert _labels(secret) == {key: {text} for key, text in labels.items()}


def test_the_loser_of_one_view_leaves_nothing_behind() -> None:
    """Its announcement goes; the winner's stays."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    seen = secret.describe()
    take(secret, seen, "t", CLAIM)
    before = _labels(secret)
    with pytest.raises(InProgress):
        take(secret, seen, "t", Claim("bb", 100.0, 200.0))
    assert _labels(secret) == before


def test_an_old_view_that_wins_an_old_lease_backs_off() -> None:
    """Lease 1 is gone and can be attached again, but the holder of lease 2 is alive."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    old = secret.describe()
    for holder in ("aa", "bb"):
        take(secret, secret.describe(), "t", Claim(holder, 100.0, 160.0))
        if holder == "aa":
            give_back(secret, secret.describe(), "t", holder=holder)
    with pytest.raises(InProgress):
        take(secret, old, "t", Claim("cc", 110.0, 200.0))
    assert [each.holder for each in announcements(secret.describe())] == ["bb"]


class _Failing(MemorySecret):
    """Does not answer a move."""

    def move(self, label: str, *, source: str, target: str) -> None:
        super().move(label, source=source, target=target)
        raise StoreUnavailable("no answer")


def test_a_lost_answer_blocks_nobody() -> None:
    """The announcement is taken back, whether or not the move was applied."""
    secret = _Failing(now=lambda: 0.0)
    secret.put("c", None, "AWSCURRENT")
    secret.put("t", None, "AWSPENDING")
    with pytest.raises(StoreUnavailable):
        take(secret, secret.describe(), "t", CLAIM)
    assert announcements(secret.describe()) == []


def test_its_labels_fit_a_staging_label() -> None:
    """With the longest version id, holder and epoch."""
    lease = Lease(10**9 - 1, "v" * 64)
    claim = Claim("f" * 32, 0.0, 10.0**12 - 2)
    assert len(lease.label) <= 256
    assert len(claim.announcement(lease)) <= 256
    secret = _secret(c="AWSCURRENT", t=f"AWSPENDING {lease.label} {claim.announcement(lease)}")
    assert latest(secret.describe()) == lease
    assert [each.holder for each in announcements(secret.describe())] == ["f" * 32]
