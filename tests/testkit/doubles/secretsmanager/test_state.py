"""The double: how many versions a secret keeps, and which go.

AWS's quotas page (read 2026-11): versions of a secret "~100"; unlabelled ones are removed when there are more than 100,
but none that was created less than 24 hours ago; at up to one new version every 10 minutes the quota is not reached.
"""

import uuid

import pytest

TEN_MINUTES, DAY = 600.0, 86_400.0
NAME = "app/db"


@pytest.fixture
def put(double, secret):
    """Put a new current version of the secret and return its id."""

    def call(*stages):
        token = str(uuid.uuid4())
        named = {"SecretId": secret, "SecretString": "any", "ClientRequestToken": token}
        double.call("PutSecretValue", **named, VersionStages=list(stages) or ["AWSCURRENT"])
        return token

    return call


def test_of_more_than_100_versions_the_oldest_without_a_label_go(double, clock, put):
    """A label keeps its version, however old; the next oldest goes in its place."""
    kept = put("keep")
    made = []
    for _ in range(120):
        clock.sleep(DAY)
        made.append(put())
    versions = double.labels(NAME)
    assert len(versions) == 100
    assert versions[kept] == {"keep"}
    assert set(versions) == {kept, *made[-99:]}


def test_a_version_of_the_last_24_hours_stays(double, clock, put):
    """A version every ten minutes is never refused; those of the last day stay, and older ones go."""
    for _ in range(400):
        clock.sleep(TEN_MINUTES)
        put()
    assert len(double.labels(NAME)) == 144
    clock.sleep(DAY)
    put()
    assert len(double.labels(NAME)) == 100


def test_more_in_a_day_exceed_the_quota(double, client, clock, put, refusal):
    """The put is refused by the documented error, nothing is removed, and a day later there is room again."""
    for _ in range(143):
        clock.sleep(60.0)
        put()
    before = double.labels(NAME)
    token = str(uuid.uuid4())
    more = {"SecretId": NAME, "SecretString": "more", "ClientRequestToken": token}
    for operation in (client.put_secret_value, client.update_secret):
        assert refusal(operation, **more) == ("LimitExceededException", 400)
    assert double.labels(NAME) == before
    clock.sleep(DAY)
    assert client.put_secret_value(**more)["VersionId"] == token
