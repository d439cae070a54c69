"""Labels are untrusted input: whatever they say, no step and no command raises anything but Lockstep's own errors."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rotation.core.errors import InProgress, RotationError
from rotation.core.values import Step
from rotation.doctor import examine, heal
from rotation.doctor.dry_run import rehearse
from rotation.engine.run import verify
from rotation.state import lease, marks
from rotation_testkit.fault_lab.in_memory.scenarios import make_scenario

KINDS = [*(kind.value for kind in marks.Kind), "lease", "until", "verified", "unknown", ""]
NUMBERS = ["0", "-1", "7", "1700000000", "1700000900", "4102444800", "9" * 12, "9" * 13, "9" * 200, "٣٣", "1e9", "nan"]
WORDS = [
    "",
    "~",
    "~ab12",
    "login",
    "accepted",
    "too_soon",
    "account_locked",
    "current",
    "pending",
    "version-0",
    "%00",
    "ersion-0=accepted",
    "=x",
    "x=",
]
PARTS = st.sampled_from([*NUMBERS, *WORDS, "i1", "r9:" + "9" * 12, "p:" + "9" * 12, "t", "vlogin", "\x1b[2J", "x" * 99])
VALUES = st.builds(
    lambda parts, sep: sep.join(parts), st.lists(PARTS, min_size=0, max_size=5), st.sampled_from([":", ";", "+", ""])
)
LABELS = st.one_of(
    st.builds(
        "lockstep:{}:{}{}".format, st.sampled_from(KINDS), VALUES, st.sampled_from(["", "@ersion-0", "@token-1", "@"])
    ),
    st.text(max_size=20).map("lockstep:{}".format),
    st.text(max_size=20),
).map(lambda label: label[:256])
MANY = st.lists(LABELS, max_size=6)


@pytest.mark.parametrize("kind", ["admin", "self", "machine"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(on_current=MANY, on_candidate=MANY)
def test_no_labels_content_raises(kind: str, on_current: list[str], on_candidate: list[str]) -> None:
    """Each step, verify, the dry run, the doctor and its repair end, or raise a typed error."""
    subject = make_scenario(kind)
    token = subject.created()
    current = str(subject.secret.describe().current_id)
    for version, labels in ((current, on_current), (token, on_candidate)):
        for label in labels:
            with suppress(RotationError):  # the label lies elsewhere, or there are too many
                subject.secret.attach(label, version)
    for step in Step:
        with suppress(RotationError):
            subject.step(step, token)
    with suppress(RotationError):
        verify(subject.session())
    assert rehearse(subject.session())
    assert examine(subject.session()).summary
    with suppress(RotationError):
        heal(subject.session())


def forge(kind: str, *labels: str) -> tuple[object, str]:
    """Return a scenario whose candidate was never sent and carries these labels, and its token."""
    subject = make_scenario(kind)
    token = subject.created()
    for label in labels:
        subject.secret.attach(label, token)
    return subject, token


FAR = "4102444800"
"""The year 2100."""


@pytest.mark.parametrize(
    "label",
    [
        f"lockstep:intent:1700000000:{FAR}:7f3a01bc:version-0",
        f"lockstep:intent:{FAR}:{FAR}:7f3a01bc:version-0",
        f"lockstep:intent:{FAR}",
        "lockstep:parked:account_locked:999999999999",
        f"lockstep:parked:too_soon:{FAR}",
        f"lockstep:rejected:99:{FAR}",
        f"lockstep:rejected:99:{FAR}:~ab12",
        f"lockstep:rejected:99:{FAR}:7f3a2222",
        f"lockstep:accepted:{FAR}",
        "lockstep:learnt:ersion-0=rejected+=x+x=",
    ],
)
@pytest.mark.parametrize("kind", ["admin", "self"])
def test_a_forged_time_stops_no_rotation(kind: str, label: str) -> None:
    """The rotation ends with current live, within the service's retries and without a wrong login too many."""
    subject, token = forge(kind)
    subject.secret.attach(f"{label}@{token[-8:]}", token)
    subject.rotate(token, spacing=300.0)
    assert subject.password() == subject.vendor.live
    assert subject.secret.describe().current_id == token
    assert not subject.secret.describe().ahead


def test_a_forged_lease_of_the_highest_number_stops_one_attempt() -> None:
    """The leases are removed while nobody acts; the error says when to come back, and then the first one is made."""
    subject, token = forge("admin", lease.label(lease.LAST_GENERATION))
    other = str(subject.secret.describe().current_id)
    subject.secret.move(lease.label(lease.LAST_GENERATION), source=token, target=token)
    with pytest.raises(InProgress) as caught:
        subject.step(Step.SET, token)
    assert caught.value.not_before == subject.clock.now() + lease.AGAIN_SECONDS
    assert lease.leases(subject.secret.describe()) == {}
    subject.clock.sleep(lease.AGAIN_SECONDS)
    assert subject.rotate(token) == []
    assert subject.password() == subject.vendor.live
    assert lease.leases(subject.secret.describe()) == {1: token}
    assert other != token


def test_a_lease_with_more_digits_is_no_lease_and_is_removed() -> None:
    """It says nothing, and the next commit cleans it up."""
    subject, token = forge("admin", "lockstep:lease:1000000")
    assert subject.rotate(token) == []
    assert subject.password() == subject.vendor.live
    held = [label for version in subject.secret.describe().versions.values() for label in version.labels]
    assert "lockstep:lease:1000000" not in held
