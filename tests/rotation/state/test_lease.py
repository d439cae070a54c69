"""Facts about the lease, one after another; ``test_lease_interleavings.py`` has all orders."""

from __future__ import annotations

from typing import Any

import pytest

from rotation.core.errors import InProgress, NotYetVisible, StageConflict, StoreError, StoreUnavailable
from rotation.state.lease import CLOCK_MARGIN, Claim, busy, ever_taken, give_back, leases, take
from rotation.state.versions import SecretState
from rotation.stores.memory import MemorySecret

CLAIM = Claim("aa", 200.0, 260.5)
MINE = "lockstep:intent:200:261:aa:c@t"


def _secret(**labels: str) -> MemorySecret:
    secret = MemorySecret(now=lambda: 0.0)
    for version, text in labels.items():
        secret.put(version, None, *text.split())
    return secret


def _labels(secret: MemorySecret) -> dict[str, set[str]]:
    return {key: set(version.labels) for key, version in secret.describe().versions.items()}


def _take(secret: MemorySecret, claim: Claim = CLAIM) -> SecretState:
    return take(secret, secret.describe(), "t", claim)


def test_taking_it_leaves_the_lease_and_an_intent_on_the_tokens_version() -> None:
    """The intent names the run, its end, rounded up, and what is current."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    after = _take(secret)
    assert _labels(secret) == {"c": {"AWSCURRENT"}, "t": {"AWSPENDING", "lockstep:lease:1", MINE}}
    assert after.version("t").labels == _labels(secret)["t"]


def test_giving_it_back_takes_the_intent_away_or_says_when_the_reset_was_sent() -> None:
    """The lease stays until the next one is won."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    _take(secret)
    assert not give_back(secret, secret.describe(), "t", holder="bb", sent=None)
    assert MINE in _labels(secret)["t"]
    assert give_back(secret, secret.describe(), "t", holder="aa", sent=230.7)
    assert _labels(secret)["t"] == {"AWSPENDING", "lockstep:lease:1", "lockstep:intent:230:0:aa:c@t"}
    _take(secret, Claim("bb", 300.0, 360.0))
    give_back(secret, secret.describe(), "t", holder="bb", sent=None)
    assert _labels(secret)["t"] == {"AWSPENDING", "lockstep:lease:2", "lockstep:intent:230:0:aa:c@t"}


def test_a_free_lease_moves_and_a_used_one_is_followed_by_the_next_generation() -> None:
    """On the current version it is free, as promotion leaves it; older ones go."""
    free = _secret(c="AWSCURRENT lockstep:lease:7", t="AWSPENDING")
    _take(free)
    assert leases(free.describe()) == {7: "t"}
    used = _secret(c="AWSCURRENT", t="AWSPENDING lockstep:lease:7")
    _take(used)
    assert leases(used.describe()) == {8: "t"}


@pytest.mark.parametrize("where", ["b", "c", "t"])
def test_a_living_intent_on_any_version_means_busy(where: str) -> None:
    """A living run is left alone, and the error says until when; clocks may differ."""
    labels = {"b": "AWSPREVIOUS", "c": "AWSCURRENT", "t": "AWSPENDING"}
    labels[where] += f" lockstep:intent:100:{int(200 - CLOCK_MARGIN)}:dd:x"
    secret = _secret(**labels)
    before = _labels(secret)
    with pytest.raises(InProgress) as caught:
        _take(secret)
    assert caught.value.not_before == 200
    assert _labels(secret) == before


@pytest.mark.parametrize(
    "labels",
    [
        {"c": "AWSCURRENT lockstep:proof:login lockstep:intent:1:199:dd:x", "t": "AWSPENDING"},
        {"c": "AWSCURRENT lockstep:proof:login:0 lockstep:intent:1:199:dd:x", "t": "AWSPENDING"},
        {"c": "AWSCURRENT", "b": "lockstep:proof:login lockstep:intent:1:199:dd:c", "t": "AWSPENDING"},
        {"c": "AWSCURRENT lockstep:until:999:dd:3:x lockstep:lease:3:x", "t": "AWSPENDING"},
        {"c": "AWSCURRENT lockstep:intent:199:0:dd:x lockstep:intent:199", "t": "AWSPENDING"},
        {"c": f"AWSCURRENT lockstep:intent:1:{int(199 - CLOCK_MARGIN)}:dd:x", "t": "AWSPENDING"},
        {"c": "AWSCURRENT lockstep:lease:0 lockstep:lease:x lockstep:lease:007 lockstep:intent:a:b", "t": "AWSPENDING"},
    ],
    ids=["proved", "batch promoted", "candidate proved", "earlier release", "ended", "over", "foreign"],
)
def test_nobody_acts_any_more(labels: dict[str, str]) -> None:
    """A run that proved its candidate, ended or is over, and labels that only look like ours."""
    secret = _secret(**labels)
    assert busy(secret.describe(), 200.0) is None
    _take(secret)
    assert MINE in _labels(secret)["t"]


def test_a_batch_that_is_only_partly_proved_is_busy() -> None:
    """Another account of it may still be under way."""
    labels = "AWSPENDING lockstep:proof:login:0 lockstep:intent:1:199:dd:c"
    assert busy(_secret(c="AWSCURRENT", t=labels).describe(), 200.0) == 199 + CLOCK_MARGIN


@pytest.mark.parametrize(("token", "labels"), [("c", {"c": "AWSCURRENT"}), ("t", {"t": "AWSPENDING"})])
def test_it_needs_a_current_version_beside_the_token(token: str, labels: dict[str, str]) -> None:
    """There would be no version to move it from."""
    secret = _secret(**labels)
    with pytest.raises(StageConflict):
        take(secret, secret.describe(), token, CLAIM)
    assert _labels(secret) == {key: {text} for key, text in labels.items()}


def test_the_loser_of_one_view_leaves_nothing_behind() -> None:
    """Its intent goes; the winner's stays."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    seen = secret.describe()
    take(secret, seen, "t", CLAIM)
    before = _labels(secret)
    with pytest.raises(InProgress):
        take(secret, seen, "t", Claim("bb", 200.0, 300.0))
    assert _labels(secret) == before


def test_an_old_view_that_wins_an_old_lease_backs_off() -> None:
    """Lease 1 is gone and can be attached again, but there is a lease 2."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    old = secret.describe()
    for holder in ("aa", "bb"):
        _take(secret, Claim(holder, 200.0, 260.0))
        if holder == "aa":
            give_back(secret, secret.describe(), "t", holder=holder, sent=None)
    with pytest.raises(InProgress):
        take(secret, old, "t", Claim("cc", 210.0, 300.0))
    assert [each.run for each in secret.describe().version("t").intents] == ["bb"]


def test_an_old_view_that_makes_another_generation_backs_off() -> None:
    """A late run of the promoted rotation put lease 2 on its former base, and then on what is current now.

    Who looked in between makes lease 3, and who looked afterwards takes lease 2.
    """
    secret = _secret(b="AWSPREVIOUS lockstep:lease:2", c="AWSCURRENT lockstep:lease:1", t="AWSPENDING")
    between = secret.describe()
    secret.move("lockstep:lease:2", source="b", target="c")
    _take(secret, Claim("aa", 200.0, 260.0))
    with pytest.raises(InProgress):
        take(secret, between, "t", Claim("bb", 210.0, 300.0))
    assert [each.run for each in secret.describe().version("t").intents] == ["aa"]


class _Odd(MemorySecret):
    """Does something in the middle of a move, and fails in the way that is wanted."""

    def __init__(self, *, answers: bool = True, moved: tuple[str, str, str] | None = None, loses: bool = False) -> None:
        super().__init__(now=lambda: 0.0)
        self.answers, self.moved, self.loses = answers, moved, loses
        for version, stage in {"c": "AWSCURRENT", "d": "x", "t": "AWSPENDING"}.items():
            self.put(version, None, stage)

    def attach(self, label: str, version_id: str) -> None:
        if not (self.loses and ":intent:" in label):
            super().attach(label, version_id)

    def move(self, label: str, *, source: str, target: str) -> None:
        super().move(label, source=source, target=target)
        if self.moved is not None:
            super().move(self.moved[0], source=self.moved[1], target=self.moved[2])
        if not self.answers:
            raise StoreUnavailable("no answer")


@pytest.mark.parametrize(
    ("odd", "error"),
    [
        ({"answers": False}, StoreUnavailable),
        ({"moved": ("AWSCURRENT", "c", "d")}, StageConflict),
        ({"moved": ("AWSPENDING", "t", "d")}, StageConflict),
        ({"loses": True}, NotYetVisible),
    ],
    ids=["no answer", "another value was put", "cancelled", "confirmed and not kept"],
)
def test_what_goes_wrong_in_the_middle_stops_it_and_blocks_nobody(odd: dict[str, Any], error: type[StoreError]) -> None:
    """The intent is taken back, whether or not the move was applied; what cannot be seen again was not written."""
    secret = _Odd(**odd)
    with pytest.raises(error):
        _take(secret)
    assert secret.describe().version("t").intents == ()


def test_a_proof_that_does_not_hold_goes_before_the_intent() -> None:
    """Else the new intent, whose base is current, would make it hold again."""
    labels = "AWSPENDING lockstep:intent:1:0:dd:old@t lockstep:proof:login lockstep:accepted:2@t"
    secret = _secret(c="AWSCURRENT", t=labels)
    assert _take(secret).proof("t") is None
    assert not secret.describe().version("t").accepted


def test_intents_of_dead_runs_become_charges_but_for_the_latest() -> None:
    """So labels do not pile up, and no wrong login is forgotten."""
    dead = " ".join(f"lockstep:intent:{number}:{number + 9}:d{number}:c@t" for number in range(1, 9))
    secret = _secret(c="AWSCURRENT", t=f"AWSPENDING {dead}")
    before = secret.describe().wrong_logins(since=0)
    _take(secret)
    after = secret.describe()
    assert after.wrong_logins(since=0, but="aa") == before == (8, 17.0)
    assert [each.run for each in after.version("t").intents] == ["d8", "aa"]
    assert len(after.version("t").labels) == 5


def test_a_run_that_began_is_known_afterwards() -> None:
    """Its lease stays on a version that was not promoted, so that a machine which it switched is found."""
    secret = _secret(c="AWSCURRENT", t="AWSPENDING")
    assert not ever_taken(secret.describe(), "t")
    _take(secret)
    give_back(secret, secret.describe(), "t", holder="aa", sent=None)
    assert ever_taken(secret.describe(), "t")
    assert not ever_taken(secret.describe(), "c")
