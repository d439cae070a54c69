"""Staging labels: the compare-and-swap of ``UpdateSecretVersionStage`` and its limits."""

import uuid

import pytest

from rotation_testkit.doubles.secretsmanager import Move

WRONG = ("InvalidParameterException", 400)


@pytest.fixture
def versions(client, secret):
    """The current version and one that is pending."""
    current = client.get_secret_value(SecretId=secret)["VersionId"]
    pending = client.put_secret_value(SecretId=secret, SecretString="new", VersionStages=["AWSPENDING"])["VersionId"]
    return current, pending


def move(client, label, *, source=None, target=None):
    """Call UpdateSecretVersionStage on the one secret."""
    ends = {"RemoveFromVersionId": source, "MoveToVersionId": target}
    return client.update_secret_version_stage(
        SecretId="app/db", VersionStage=label, **{key: value for key, value in ends.items() if value is not None}
    )


def test_current_moves_when_its_holder_is_named(double, client, secret, versions):
    """AWSPREVIOUS goes to the old holder, AWSPENDING stays where it is."""
    current, pending = versions
    answer = move(client, "AWSCURRENT", source=current, target=pending)
    assert (answer["ARN"], answer["Name"]) == (secret, "app/db")
    assert double.labels(secret) == {
        current: frozenset({"AWSPREVIOUS"}),
        pending: frozenset({"AWSCURRENT", "AWSPENDING"}),
    }
    assert double.calls[-1].moves == (Move("AWSCURRENT", current, pending), Move("AWSPREVIOUS", None, current))


def test_current_moved_back_swaps_previous(double, client, versions):
    """AWSPREVIOUS leaves the version that becomes current."""
    current, pending = versions
    move(client, "AWSCURRENT", source=current, target=pending)
    move(client, "AWSCURRENT", source=pending, target=current)
    assert double.labels("app/db") == {
        current: frozenset({"AWSCURRENT"}),
        pending: frozenset({"AWSPREVIOUS", "AWSPENDING"}),
    }


def test_an_attached_label_moves_only_from_its_named_holder(double, client, versions, refusal):
    """No holder, a wrong holder and an unknown one are all refused, and nothing moves."""
    current, pending = versions
    move(client, "lock", target=current)
    before = double.labels("app/db")
    named = {"SecretId": "app/db", "VersionStage": "lock"}
    update = client.update_secret_version_stage
    assert refusal(update, **named, MoveToVersionId=pending) == WRONG
    assert refusal(update, **named, MoveToVersionId=pending, RemoveFromVersionId=pending) == WRONG
    assert refusal(update, **named, MoveToVersionId=pending, RemoveFromVersionId=str(uuid.uuid4())) == WRONG
    assert refusal(update, **named, RemoveFromVersionId=pending) == WRONG
    assert refusal(update, **named) == WRONG
    assert double.labels("app/db") == before
    move(client, "lock", source=current, target=pending)
    assert double.labels("app/db")[pending] == {"AWSPENDING", "lock"}


def test_attaching_a_label_where_it_already_is_succeeds(double, client, versions):
    """That is why a fresh label is no lock: both who attach it succeed."""
    _current, pending = versions
    for _ in range(2):
        move(client, "mark", target=pending)
    assert double.labels("app/db")[pending] == {"AWSPENDING", "mark"}
    assert [call.moves for call in double.calls[-2:]] == [(Move("mark", None, pending),), ()]


def test_a_label_that_is_nowhere_cannot_be_taken_from_a_version(client, versions, refusal):
    """The holder that the caller expected has lost it: the swap fails."""
    current, pending = versions
    swap = {"SecretId": "app/db", "VersionStage": "lock", "RemoveFromVersionId": current, "MoveToVersionId": pending}
    assert refusal(client.update_secret_version_stage, **swap) == WRONG


def test_current_is_never_removed_without_a_new_holder(client, versions, refusal):
    """A secret with a value always has a current version."""
    take = {"SecretId": "app/db", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": versions[0]}
    assert refusal(client.update_secret_version_stage, **take) == WRONG


def test_a_removed_last_label_makes_the_version_deprecated(client, versions):
    """It disappears from descriptions and stays readable by its id."""
    _current, pending = versions
    move(client, "AWSPENDING", source=pending)
    assert pending not in client.describe_secret(SecretId="app/db")["VersionIdsToStages"]
    read = client.get_secret_value(SecretId="app/db", VersionId=pending)
    assert read["SecretString"] == "new"
    assert "VersionStages" not in read


def test_a_label_needs_a_known_version(client, versions, refusal):
    """A target that does not exist is refused."""
    attach = {"SecretId": "app/db", "VersionStage": "mark", "MoveToVersionId": str(uuid.uuid4())}
    assert refusal(client.update_secret_version_stage, **attach) == WRONG
    assert versions[1] in client.describe_secret(SecretId="app/db")["VersionIdsToStages"]


def test_twenty_labels_are_all_that_a_secret_can_have(double, client, versions, refusal):
    """The quota counts the labels of all versions together, and a refused call changes nothing."""
    current, pending = versions
    for number in range(9):
        move(client, f"mark {number}", target=current)
        move(client, f"other {number}", target=pending)
    assert sum(map(len, double.labels("app/db").values())) == 20
    one_more = {"SecretId": "app/db", "VersionStage": "one more", "MoveToVersionId": current}
    limit = ("LimitExceededException", 400)
    assert refusal(client.update_secret_version_stage, **one_more) == limit
    put = {"SecretId": "app/db", "SecretString": "x", "VersionStages": ["one more"]}
    assert refusal(client.put_secret_value, **put) == limit
    promote = {"SecretId": "app/db", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": current}
    assert refusal(client.update_secret_version_stage, **promote, MoveToVersionId=pending) == limit
    assert len(double.labels("app/db")) == 2
    assert sum(map(len, double.labels("app/db").values())) == 20


def test_a_label_has_at_most_256_characters(client, versions, refusal):
    """The service counts, botocore does not."""
    move(client, "x" * 256, target=versions[1])
    attach = {"SecretId": "app/db", "VersionStage": "x" * 257, "MoveToVersionId": versions[1]}
    assert refusal(client.update_secret_version_stage, **attach) == ("ValidationException", 400)


def test_a_version_made_by_hand_takes_pending_away(double, client, versions):
    """Whatever was pending is given up; own labels of the version protect it further."""
    _current, pending = versions
    move(client, "mark", target=pending)
    client.put_secret_value(SecretId="app/db", SecretString="by hand")
    assert double.labels("app/db")[pending] == {"mark"}
    assert double.events[-1].name == "RotationAbandoned"
