"""What a secret's entry in ListSecrets says of it, by its labels."""

from datetime import UTC, datetime

import pytest

from rotation.core.values import Evidence
from rotation.state.parking import PARKING
from rotation.stores.aws.fleet import fleet_secret
from rotation.stores.aws.fleet.fleet_secret import Outcome

NOW, DAY = 1_790_000_000.0, 86_400.0
ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbCdEf"
BOUND = "1 ucloud_compshare 9f86d081884c7d659a2feaa0c55ad015 - - note"


def read(made):
    """Read an entry."""
    return fleet_secret.read(made, NOW)


def managed(entries, **how):
    """Choose the entries that are ours."""
    return fleet_secret.managed(entries, NOW, **how)


def at(epoch):
    """Return a date as botocore does."""
    return datetime.fromtimestamp(epoch, UTC)


def entry(current=(), pending=None, tag=BOUND, **more):
    """Return an entry of ListSecrets."""
    stages = {"a" * 32: ["AWSCURRENT", *current]}
    if pending is not None:
        stages["b" * 32] = ["AWSPENDING", *pending]
    return {
        "Name": "app/db",
        "ARN": ARN,
        "CreatedDate": at(NOW - 90 * DAY),
        "LastChangedDate": at(NOW),
        "Tags": [{"Key": "lockstep:account", "Value": tag}] if tag else [],
        "SecretVersionsToStages": stages,
        "RotationEnabled": True,
        **more,
    }


@pytest.mark.parametrize(
    ("made", "outcome", "evidence"),
    [
        (entry(), Outcome.UNPROVED, None),
        (entry(["lockstep:proof:login"]), Outcome.COMMITTED, Evidence.LOGIN),
        (entry(["lockstep:proof:login:0", "lockstep:proof:accepted:1"]), Outcome.COMMITTED, Evidence.ACCEPTED),
        (entry(["lockstep:proof:login"], []), Outcome.UNFINISHED, Evidence.LOGIN),
        (entry(["lockstep:proof:login"], ["lockstep:parked:back_off:1790000000@b"]), Outcome.PARKED, Evidence.LOGIN),
    ],
)
def test_labels_say_what_became_of_the_latest_rotation(made, outcome, evidence):
    """A proof on current is a commit, a pending version of its own is unfinished, and a note of parking counts most."""
    found = read(made)
    assert (found.outcome, found.evidence) == (outcome, evidence)


@pytest.mark.parametrize("reason", PARKING)
def test_a_reason_says_whether_a_human_is_needed(reason):
    """What ``parking`` says of each reason is what the fleet says."""
    found = read(entry([], [f"lockstep:parked:{reason}:1790000500@b"]))
    assert (found.reason, found.not_before) == (reason, 1_790_000_500.0)
    assert (found.needs_human, found.why) == (not PARKING[reason].by_itself, PARKING[reason].hint)


def test_of_two_parkings_the_one_for_a_human_is_shown():
    """A member of a batch that needs a human is not hidden by one that waits longer."""
    labels = ["lockstep:parked:back_off:1790005000@b", "lockstep:member:1;preset_fails:1790000000@b"]
    assert read(entry([], labels)).reason == "reset_fails"


def test_a_reason_of_another_release_needs_a_look():
    """A word that is not known is shown as it stands and counts as one for a human."""
    found = read(entry([], ["lockstep:parked:odd_reason:1790000000@b"]))
    assert (found.reason, found.needs_human, found.why) == ("odd_reason", True, "")


def test_a_label_of_the_far_future_is_not_believed():
    """Else a writer of labels could make a secret look parked for years."""
    assert read(entry([], ["lockstep:parked:back_off:1990000000@b"])).reason is None


def test_a_note_on_current_holds_where_it_is_about_the_account():
    """A locked account parks a secret between rotations, and a past back-off on a former candidate does not."""
    assert read(entry(["lockstep:parked:account_locked:1790000000@a"])).reason == "account_locked"
    assert read(entry(["lockstep:parked:back_off:1790000000@a"])).reason is None


def test_a_reset_that_may_have_been_sent_is_shown():
    """The intent of an unfinished rotation says that the current password may be dead."""
    assert read(entry([], ["lockstep:intent:1789999999@b"])).reset_sent
    assert not read(entry([], [])).reset_sent
    assert not read(entry(["lockstep:intent:1789999999@a", "lockstep:proof:login"])).reset_sent


@pytest.mark.parametrize(
    ("tag", "driver"),
    [(BOUND, "ucloud_compshare"), ("2 acme_vm something new", None), ("nonsense", None), ("1 <script> a", None)],
)
def test_the_binding_names_the_driver(tag, driver):
    """A binding that a rotation could not read names none here either."""
    found = read(entry(tag=tag))
    assert (found.driver, found.bound) == (driver, driver is not None)


@pytest.mark.parametrize(
    ("rotated", "label", "since"),
    [
        (None, None, 90),
        (30, None, 30),
        (30, 10, 10),
        (10, 30, 10),
        (30, -5, 30),
    ],
)
def test_age_counts_from_the_latest_rotation(rotated, label, since):
    """Rotations that the service did not run count by their label, but for one that is later than the last change."""
    labels = [] if label is None else ["lockstep:proof:login", f"lockstep:intent:{int(NOW - label * DAY)}@a"]
    more = {} if rotated is None else {"LastRotatedDate": at(NOW - rotated * DAY)}
    assert read(entry(labels, **more)).age(NOW) == pytest.approx(since * DAY)


@pytest.mark.parametrize(("enabled", "due", "overdue"), [(True, -1, True), (True, 1, False), (False, -1, False)])
def test_overdue_is_a_scheduled_rotation_that_did_not_happen(enabled, due, overdue):
    """A secret whose rotation is switched off is never overdue."""
    made = entry(RotationEnabled=enabled, NextRotationDate=at(NOW + due))
    assert read(made).overdue(NOW) is overdue
    assert not read(entry()).overdue(NOW)


def test_a_secret_is_managed_by_its_binding_its_labels_or_its_function():
    """Another program's secret, and a replica, are none of ours."""
    function = "arn:aws:lambda:eu-central-1:111122223333:function:rotate"
    foreign, labelled = entry(tag=""), entry(["lockstep:proof:login"], tag="")
    ours = {**foreign, "RotationLambdaARN": function}
    replica = entry(PrimaryRegion="eu-west-1")
    assert len(list(managed([entry(), labelled, ours, foreign, replica]))) == 2
    assert len(list(managed([entry(), labelled, ours, foreign, replica], function=function))) == 3


def test_a_primary_secret_with_replicas_is_managed():
    """Its entry names its own region."""
    assert len(list(managed([entry(PrimaryRegion="eu-central-1")]))) == 1
