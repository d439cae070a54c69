"""Facts about durable marks: short labels that say what was done, and read back the same."""

from __future__ import annotations

import pytest

from rotation.core.values import Evidence
from rotation.state import marks
from rotation.state.marks import Kind, Mark
from rotation.state.versions import SecretState, Version

NOW = 1_700_000_000.9
EVERY = {
    "lockstep:intent:1700000000": marks.intent(NOW),
    "lockstep:task:ta:sk-1": marks.task("ta:sk-1"),
    "lockstep:accepted:1700000000": marks.accepted(NOW),
    "lockstep:rejected:2:1700000001": marks.rejected(2, NOW),
    "lockstep:parked:too_soon:1700000001": marks.parked("too_soon", NOW),
    "lockstep:learnt:0a1b2c3d=rejected+9f8e7d6c=accepted": marks.learnt(
        {"9f8e7d6c": "accepted", "0a1b2c3d": "rejected"}
    ),
    "lockstep:failed:3": marks.failed(3),
    "lockstep:failed:2+5:counted": marks.failed(2, put_off=5, counted=True),
    "lockstep:owed:committed": marks.owed(),
    "lockstep:member:2;i1700000000;t101": marks.member(2, [marks.task("101"), marks.intent(NOW)]),
    "lockstep:unsent:7f3a01bc": marks.unsent("7f3a01bcffff"),
    "lockstep:proof:login": marks.proof(Evidence.LOGIN),
}


def _version(*labels: str) -> Version:
    return Version.from_labels("v", labels)


def test_every_kind_is_made_by_a_function() -> None:
    """Every kind has a function that makes its mark, so that its value has one form."""
    assert {mark.kind for mark in EVERY.values()} == set(Kind)


@pytest.mark.parametrize("label", EVERY)
def test_a_mark_becomes_a_label_and_is_read_back(label: str) -> None:
    """The text is part of the format that secrets hold."""
    end = "" if label.startswith("lockstep:proof:") else "@v"  # a proof is one label for all versions
    assert EVERY[label].on("v") == f"{label}{end}"
    assert Mark.parse(f"{label}@v") == EVERY[label]
    assert Mark.parse(label) == EVERY[label]


def test_the_same_note_on_two_versions_is_two_labels() -> None:
    """A label sits on one version of a secret at a time."""
    first, second = "11111111-aaaa-4aaa-8aaa-000000000001", "11111111-aaaa-4aaa-8aaa-000000000002"
    note = marks.parked("too_soon", NOW)
    assert note.on(first) != note.on(second)
    assert Mark.parse(note.on(first)) == Mark.parse(note.on(second)) == note


@pytest.mark.parametrize(
    "label",
    [
        "AWSCURRENT",
        "canary",
        "lockstep:",
        "lockstep:intent",
        "lockstep:intent:",
        "lockstep:lease:1:c",
        "lockstep:until:7:ab:1:c",
        "lockstep:unknown:1",
        "Lockstep:intent:1",
        "xlockstep:intent:1",
        "lockstep:intent:1\n",
    ],
)
def test_foreign_labels_are_no_marks(label: str) -> None:
    """Labels of AWS, of an operator and of the lease are no marks."""
    assert Mark.parse(label) is None
    assert _version(label).marks == frozenset()


def test_labels_fit_a_staging_label() -> None:
    """Secrets Manager takes 256 characters; a task id has at most 200."""
    longest = [marks.task("t" * 200), marks.parked("candidate_refused", 9e11), marks.rejected(10**6, 9e11)]
    assert max(len(mark.on("v" * 64)) for mark in longest) <= 256


def test_stages_are_the_labels_that_are_not_ours() -> None:
    """An operator's own labels are stages, too."""
    version = _version("AWSPENDING", "blue", *EVERY)
    assert version.stages == {"AWSPENDING", "blue"}
    assert version.marks == set(EVERY.values())


def test_a_version_tells_what_its_marks_say() -> None:
    """All six at once; a version without marks has no intent, not one of epoch zero."""
    full, empty = _version(*EVERY), _version("AWSPENDING")
    assert (full.intent, full.task, full.parked) == (1_700_000_000, "ta:sk-1", ("too_soon", 1_700_000_001))
    assert (full.accepted, full.rejected, full.proof) == (True, (2, 1_700_000_001), Evidence.LOGIN)
    assert (empty.intent, empty.task, empty.parked) == (None, None, None)
    assert (empty.accepted, empty.rejected, empty.proof) == (False, (0, 0), None)


@pytest.mark.parametrize(
    ("labels", "field", "value"),
    [
        ("intent:100 intent:99", "intent", 100),
        ("parked:a:7 parked:b:8 parked:a:6", "parked", ("b", 8)),
        ("rejected:3:100 rejected:1:900", "rejected", (1, 900)),
        ("rejected:2:900 rejected:3:900", "rejected", (3, 900)),
        ("accepted:99 intent:100", "accepted", True),
        ("accepted:100 intent:100", "accepted", True),
        ("accepted:101 intent:100", "accepted", True),
        ("learnt:aa=rejected learnt:aa=rejected+bb=accepted learnt:cc", "learnt", {"aa": "rejected", "bb": "accepted"}),
        ("proof:accepted proof:readback", "proof", Evidence.READBACK),
    ],
)
def test_of_several_labels_the_one_that_loses_nothing_counts(labels: str, field: str, value: object) -> None:
    """A crash between writing a mark and taking the older one away leaves both.

    A later balance of wrong logins replaces a higher older one: a new window starts at one, and hiding it behind an old
    three would hide a wrong login. A yes counts whatever the clocks of two runs say, since the next reset removes the
    mark first. What logins found is read from all labels, and a text of another form says nothing.
    """
    assert getattr(_version(*(f"lockstep:{label}" for label in labels.split())), field) == value


@pytest.mark.parametrize("text", ["\x1b[2J", "a b", "ü", "x" * 201])
def test_a_label_that_names_no_task_is_none(text: str) -> None:
    """Labels are untrusted input: what no vendor can have sent as a task's id is not asked about."""
    assert _version(f"lockstep:task:{text}").task is None
    assert _version(f"lockstep:task:{text}", "lockstep:task:t-1").task == "t-1"


@pytest.mark.parametrize(
    ("labels", "failures"),
    [
        (["3"], (3, 0, False)),
        (["3:counted"], (3, 0, True)),
        (["2", "3:counted"], (3, 0, True)),
        (["0+4"], (0, 4, False)),
        (["2+5:counted", "3+1"], (3, 5, True)),
        (["x", "+", "1+x"], (1, 0, False)),
        ([], (0, 0, False)),
    ],
)
def test_failures_say_whether_the_latest_reset_is_among_them(
    labels: list[str], failures: tuple[int, int, bool]
) -> None:
    """So that a reset is counted once, whatever finds it of no use; what the vendor put off is counted beside it."""
    version = _version(*(f"lockstep:failed:{label}" for label in labels))
    assert (version.failed, version.put_off, version.counted) == failures


def test_an_intent_says_who_may_act_and_until_when() -> None:
    """Rounded up, so that a run never seems dead while it lives; an earlier release wrote the epoch only."""
    mark = marks.intent(NOW, until=NOW + 60, run="7f3a01bcdddd", base="aaaa-0a1b2c3d")
    assert mark.value == "1700000000:1700000061:7f3a01bc:0a1b2c3d"
    assert marks.intended(mark) == marks.Intent(1_700_000_000, 1_700_000_061, "7f3a01bc", "0a1b2c3d")
    assert marks.intended(mark).sent_by == 1_700_000_061
    assert marks.intended(marks.intent(NOW)) == marks.Intent(1_700_000_000)
    assert len(marks.intent(10**12 - 1, until=10**12 - 1, run="f" * 32, base="b" * 64).on("v" * 64)) <= 256


@pytest.mark.parametrize(
    ("labels", "holds"),
    [
        ({"c": "AWSCURRENT", "v": "AWSPENDING lockstep:proof:login lockstep:intent:1:9:ab:c@v"}, True),
        ({"c": "", "d": "AWSCURRENT", "v": "AWSPENDING lockstep:proof:login lockstep:intent:1:9:ab:c@v"}, False),
        ({"v": "AWSCURRENT lockstep:proof:login lockstep:intent:1:9:ab:c@v"}, True),
        ({"v": "AWSCURRENT lockstep:proof:login"}, True),
        ({"c": "AWSCURRENT", "v": "AWSPENDING lockstep:proof:login"}, False),
        ({"c": "AWSCURRENT", "v": "AWSPENDING lockstep:proof:login lockstep:intent:1@v"}, False),
        ({"c": "AWSCURRENT", "v": "AWSPENDING AWSPREVIOUS lockstep:proof:login lockstep:intent:1:9:ab:c@v"}, False),
    ],
    ids=["base is current", "another is current", "itself", "itself by hand", "no intent", "old intent", "put back"],
)
def test_a_proof_holds_as_long_as_nobody_puts_another_value(labels: dict[str, str], *, holds: bool) -> None:
    """No clock is compared: the base of the latest intent is what is current now, or the version is."""
    assert (_state(**labels).proof("v") is Evidence.LOGIN) is holds


@pytest.mark.parametrize(
    ("labels", "count"),
    [
        ("AWSPENDING lockstep:intent:100:160:ab:c@t", 1),
        ("AWSPENDING lockstep:intent:100:160:ab:c@t lockstep:intent:200:260:ac:c@t", 2),
        ("AWSPENDING lockstep:intent:100:0:ab:c@t", 0),
        ("AWSPENDING lockstep:intent:100@t", 0),
        ("AWSPENDING lockstep:intent:100:160:ab:c@t lockstep:proof:login", 0),
        ("AWSPREVIOUS lockstep:intent:100:160:ab:c@t", 0),
        ("AWSPENDING lockstep:intent:100:160:me:c@t", 0),
        ("AWSPENDING lockstep:intent:100:160:ab:c@t lockstep:rejected:1:150:~ab@t", 2),
    ],
)
def test_a_run_that_may_have_died_over_a_login_counts_as_one(labels: str, count: int) -> None:
    """Not one that ended in order, one that proved its candidate, or this run itself."""
    assert _state(c="AWSCURRENT", t=labels).wrong_logins(since=0, but="me")[0] == count


@pytest.mark.parametrize(
    "label",
    [
        "lockstep:intent:soon",
        "lockstep:rejected:many:often",
        "lockstep:rejected:1",
        "lockstep:parked:7",
        "lockstep:proof:hearsay",
        "lockstep:proof:",
        "lockstep:intent:::::::",
        "lockstep:verified:login:5",
        "lockstep:accepted:-1",
        "lockstep:intent:" + "9" * 200,
    ],
)
def test_a_garbled_mark_is_read_without_an_error(label: str) -> None:
    """Somebody with label rights must not be able to stop a rotation with a typo."""
    version = _version(label)
    assert version.intent in (None, 0)
    assert version.proof is None
    assert version.rejected[1] == 0
    assert version.parked in (None, ("", 7))
    assert _version("lockstep:intent:soon").intent == 0, "it still says that something may have been sent"


def _state(**labels: str) -> SecretState:
    return SecretState(
        rotation_enabled=True, versions={key: Version.from_labels(key, text.split()) for key, text in labels.items()}
    )


def test_a_state_names_who_holds_a_stage() -> None:
    """A state names the versions of current and previous, or ``None``."""
    state = _state(a="AWSPREVIOUS", b="AWSCURRENT AWSPENDING")
    assert (state.current_id, state.previous_id, state.holder("AWSPENDING")) == ("b", "a", "b")
    assert _state(a="x").current_id is None


def test_wrong_logins_are_counted_over_all_versions_within_the_window() -> None:
    """The account does not care which candidate was wrong."""
    state = _state(a="lockstep:rejected:1:100", b="lockstep:rejected:2:150", c="AWSCURRENT")
    assert state.wrong_logins(since=99) == (3, 150)
    assert state.wrong_logins(since=100) == (2, 150)
    assert state.wrong_logins(since=150) == (0, 0)


def test_a_packed_label_gives_its_marks_back() -> None:
    """Whatever a task id is made of; what a later release packs is left out."""
    notes = frozenset(mark for label, mark in EVERY.items() if ":member:" not in label) | {marks.task(";@=%:i1")}
    number, found = marks.unpacked(Mark.parse(marks.member(12, notes).on("version-1")) or marks.task("none"))
    assert (number, found) == ("12", notes)
    assert marks.unpacked(Mark(Kind.MEMBER, "1;i7;q8;;t")) == ("1", {marks.intent(7)})
    assert marks.unpacked(Mark(Kind.MEMBER, "1;pnot%20a%20word:9;prate_limited:9"))[1] == {
        marks.parked("rate_limited", 9)
    }


def test_a_packed_label_fits_with_every_mark_twice_over() -> None:
    """A packed label fits even with two marks of each kind, the one that goes and the one that comes."""
    now = 2e9
    doubled = [marks.accepted(now), marks.proof(Evidence.ACCEPTED), marks.unsent("ab" * 9)]
    doubled += [marks.rejected(9, now), marks.rejected(1, now, run="ab12"), marks.failed(99), marks.failed(100)]
    doubled += [marks.parked("wrong_login_budget", now), marks.task("9" * 60)]
    assert len(marks.member(99, doubled, "cd34").on("v" * 64)) <= 256


def test_each_account_of_a_batch_sees_its_own_marks_and_the_common_ones() -> None:
    """Two labels of one account both count; an account's reset makes the whole version attempted."""
    version = _version(
        "AWSPENDING",
        "lockstep:lease:1:c",
        marks.intent(3).on("v"),
        marks.member(0, [marks.task("1")]).on("v"),
        marks.member(0, [marks.intent(9), marks.parked("too_soon", 8)]).on("v"),
        marks.member(1, [marks.intent(5)]).on("v"),
    )
    first, second, third = (version.seen_by(number) for number in range(3))
    assert (first.intent, first.task, first.parked) == (9, "1", ("too_soon", 8))
    assert (second.intent, second.task, second.parked) == (5, None, None)
    assert third.intent == 3
    assert (version.intent, version.task) == (9, None)
    assert "lockstep:lease:1:c" in third.labels
    assert third.stages == version.stages == {"AWSPENDING"}


def test_carried_wrong_logins_stand_beside_the_versions_own() -> None:
    """Each origin's latest note counts once, so that writing it again after a crash changes nothing."""
    own, other = marks.rejected(2, NOW), marks.carried(marks.rejected(3, NOW - 5), "token-of-another-rotation")
    version = _version("AWSCURRENT", own.on("v"), other.on("v"), marks.rejected(1, NOW - 50).on("v"))
    latest = 1_700_000_001.0
    secret = SecretState(rotation_enabled=True, versions={"v": version})
    assert version.rejected == (2, latest)
    assert sorted(version.charges.values()) == [(2, latest), (3, latest - 5)]
    assert secret.wrong_logins(since=NOW - 10) == (5, latest)
    assert secret.wrong_logins(since=NOW - 1) == (2, latest)
    assert marks.carried(other, "next") == other


LATER = int(NOW) + 40 * 86_400
FOREVER = 999_999_999_999


@pytest.mark.parametrize(
    ("label", "field", "value"),
    [
        (f"lockstep:intent:{LATER}:{LATER}:ab:c@v", "intent", 0.0),
        (f"lockstep:intent:{int(NOW)}:{FOREVER}:ab:c@v", "intents", (marks.Intent(int(NOW), 0, "ab", "c"),)),
        (f"lockstep:rejected:9:{LATER}@v", "rejected", (0, 0.0)),
        (f"lockstep:rejected:9:{LATER}:~ab12@v", "charges", {}),
        (f"lockstep:rejected:9:{LATER}:7f3a2222@v", "charges", {}),
        (f"lockstep:parked:too_soon:{FOREVER}@v", "parked", None),
        (f"lockstep:member:0;r9:{LATER};t7@v", "members", {"0": frozenset({marks.task("7")})}),
    ],
)
def test_a_time_too_far_ahead_is_not_believed(label: str, field: str, value: object) -> None:
    """What was written then is not read; an intent still says that a reset may have been sent."""
    found = Version.from_labels("v", {label}, as_of=NOW)
    assert getattr(found, field) == value
    assert found.ahead == {label}
    assert _state(v=label).as_of(NOW).ahead == [label]
    assert found.seen_by(0).ahead == (found.ahead if "member" not in label else frozenset())


@pytest.mark.parametrize("label", EVERY)
def test_every_mark_of_this_hour_is_believed(label: str) -> None:
    """Clocks differ by less than an hour."""
    found = Version.from_labels("v", {EVERY[label].on("v")}, as_of=NOW - 3599)
    assert (found.marks, found.ahead, found.unread) == ({EVERY[label]}, frozenset(), frozenset())


@pytest.mark.parametrize(
    "label",
    [
        "lockstep:",
        "lockstep:unknown:1@v",
        "lockstep:lease:1000000",
        "lockstep:lease:0",
        "lockstep:lease:1:holder",
        "lockstep:until:7:ab:1:c",
        "lockstep:intent:5@other",
        "lockstep:intent:5",
        "lockstep:parked:look at evil.example:5@v",
        f"lockstep:rejected:1:{LATER}@v",
    ],
)
def test_what_says_nothing_or_cannot_be_removed_as_a_mark_is_known_as_such(label: str) -> None:
    """Cleaning up removes it by the label itself."""
    assert Version.from_labels("v", {label}, as_of=NOW).unread == {label}


def test_no_number_of_wrong_logins_leaves_the_labels_form() -> None:
    """A forged count with twelve digits would lose a digit's place with the next charge, and so be read as none."""
    forged = _version("lockstep:rejected:999999999999:100@v")
    assert forged.rejected == (999, 100)
    assert marks.charged(marks.rejected(forged.rejected[0] + 1, 100)) == (999, 100)


def test_the_mark_of_an_intent_is_the_one_that_was_read() -> None:
    """Whatever its times count as, removing it names the label that is there."""
    label = f"lockstep:intent:000{LATER}:{FOREVER}:ab:c:d@v"
    (found,) = Version.from_labels("v", {label}, as_of=NOW).intents
    assert found.mark.on("v") == label
