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


UNKNOWN = str(uuid.uuid4())


@pytest.mark.parametrize(
    ("label", "source", "target"),
    [
        pytest.param("lock", None, "pending", id="an attached label without its holder"),
        pytest.param("lock", "pending", "pending", id="an attached label from a wrong holder"),
        pytest.param("lock", UNKNOWN, "pending", id="an attached label from an unknown holder"),
        pytest.param("lock", "pending", None, id="an attached label off a wrong holder"),
        pytest.param("lock", None, None, id="neither source nor target"),
        pytest.param("none", "current", "pending", id="a label that its expected holder has lost"),
        pytest.param("AWSCURRENT", "current", None, id="current without a new holder"),
        pytest.param("none", None, UNKNOWN, id="an unknown target"),
    ],
)
def test_a_move_that_is_refused(double, client, versions, refusal, *, label, source, target):  # noqa: PLR0913 - a row
    """A label moves only from its named holder to a known version, AWSCURRENT never goes, and nothing has moved."""
    ids = dict(zip(("current", "pending"), versions, strict=True))
    move(client, "lock", target=ids["current"])
    before = double.labels("app/db")
    ends = {"source": ids.get(source, source), "target": ids.get(target, target)}
    assert refusal(move, client=client, label=label, **ends) == WRONG
    assert double.labels("app/db") == before


def test_an_attached_label_moves_from_its_named_holder(double, client, versions):
    """The compare-and-swap succeeds for the version that has the label."""
    current, pending = versions
    move(client, "lock", target=current)
    move(client, "lock", source=current, target=pending)
    assert double.labels("app/db")[pending] == {"AWSPENDING", "lock"}


def test_attaching_a_label_where_it_already_is_succeeds(double, client, versions):
    """Two callers who attach the same fresh label both succeed, so a fresh label is no lock."""
    _current, pending = versions
    for _ in range(2):
        move(client, "mark", target=pending)
    assert double.labels("app/db")[pending] == {"AWSPENDING", "mark"}
    assert [call.moves for call in double.calls[-2:]] == [(Move("mark", None, pending),), ()]


def test_a_removed_last_label_makes_the_version_deprecated(client, versions):
    """A version without labels disappears from descriptions and stays readable by its id."""
    _current, pending = versions
    move(client, "AWSPENDING", source=pending)
    assert pending not in client.describe_secret(SecretId="app/db")["VersionIdsToStages"]
    read = client.get_secret_value(SecretId="app/db", VersionId=pending)
    assert read["SecretString"] == "new"
    assert "VersionStages" not in read


def test_twenty_labels_are_all_that_a_secret_can_have(double, client, versions, refusal):
    """The quota counts the labels of all versions together, and a refused call changes nothing."""
    current, pending = versions
    for number in range(9):
        move(client, f"mark {number}", target=current)
        move(client, f"other {number}", target=pending)
    assert sum(map(len, double.labels("app/db").values())) == 20
    limit = ("LimitExceededException", 400)
    assert refusal(move, client=client, label="one more", target=current) == limit
    put = {"SecretId": "app/db", "SecretString": "x", "VersionStages": ["one more"]}
    assert refusal(client.put_secret_value, **put) == limit
    assert refusal(move, client=client, label="AWSCURRENT", source=current, target=pending) == limit
    assert len(double.labels("app/db")) == 2
    assert sum(map(len, double.labels("app/db").values())) == 20


def test_a_label_has_at_most_256_characters(client, versions, refusal):
    """The service refuses a longer label; botocore does not."""
    move(client, "x" * 256, target=versions[1])
    assert refusal(move, client=client, label="x" * 257, target=versions[1]) == ("ValidationException", 400)


def test_a_version_made_by_hand_takes_pending_away(double, client, versions):
    """A put by hand takes AWSPENDING away; the version's other labels stay and protect it."""
    _current, pending = versions
    move(client, "mark", target=pending)
    client.put_secret_value(SecretId="app/db", SecretString="by hand")
    assert double.labels("app/db")[pending] == {"mark"}
    assert double.events[-1].name == "RotationAbandoned"
