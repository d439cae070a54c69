"""Creating, reading, putting, updating and deleting secrets, over the wire."""

import string
import uuid

import pytest
from botocore.exceptions import ParamValidationError

from rotation.core.secret import Secret

DAY = 86_400


def stages(double, secret):
    """Return the labels as plain sets."""
    return {version: set(labels) for version, labels in double.labels(secret).items()}


def test_a_created_secret_is_found_by_name_arn_and_partial_arn(client):
    """The ARN ends in six random characters, and all three spellings name the secret."""
    made = client.create_secret(Name="app/db", SecretString="old")
    assert made["ARN"].startswith("arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-")
    assert len(made["ARN"].rpartition("-")[2]) == 6
    for spelling in ("app/db", made["ARN"], made["ARN"][:-7]):
        read = client.get_secret_value(SecretId=spelling)
        assert (read["SecretString"], read["VersionId"]) == ("old", made["VersionId"])
        assert read["VersionStages"] == ["AWSCURRENT"]


def test_a_secret_can_be_created_without_a_value(client, refusal):
    """A secret without a value has no version, and reading it is "not found" with HTTP 400 as on AWS."""
    made = client.create_secret(Name="app/empty")
    assert "VersionId" not in made
    assert "VersionIdsToStages" not in client.describe_secret(SecretId="app/empty")
    assert refusal(client.get_secret_value, SecretId="app/empty") == ("ResourceNotFoundException", 400)


def test_binary_values_come_back_as_bytes(double, client):
    """A binary value travels as base64 and stays what it was."""
    client.create_secret(Name="app/key", SecretBinary=b"\x00\xff")
    read = client.get_secret_value(SecretId="app/key")
    assert read["SecretBinary"] == b"\x00\xff"
    assert "SecretString" not in read
    assert double.value("app/key") == Secret("AP8=")


def test_creating_twice_is_idempotent_by_token_and_value(client, refusal, token):
    """Same token and value: the same answer; anything else under that name exists already."""
    first = client.create_secret(Name="app/db", SecretString="old", ClientRequestToken=token)
    again = client.create_secret(Name="app/db", SecretString="old", ClientRequestToken=token)
    assert (again["ARN"], again["VersionId"]) == (first["ARN"], token)
    taken = ("ResourceExistsException", 400)
    assert refusal(client.create_secret, Name="app/db", SecretString="new", ClientRequestToken=token) == taken
    assert refusal(client.create_secret, Name="app/db", SecretString="old") == taken


def test_put_makes_a_new_current_version_and_keeps_the_old_as_previous(double, client, secret):
    """AWSPREVIOUS follows AWSCURRENT, and the former previous version loses its last label."""
    first = client.get_secret_value(SecretId=secret)["VersionId"]
    second = client.put_secret_value(SecretId=secret, SecretString="b")
    third = client.put_secret_value(SecretId=secret, SecretString="c")["VersionId"]
    assert second["VersionStages"] == ["AWSCURRENT"]
    assert stages(double, secret) == {first: set(), second["VersionId"]: {"AWSPREVIOUS"}, third: {"AWSCURRENT"}}
    assert client.get_secret_value(SecretId=secret, VersionStage="AWSPREVIOUS")["SecretString"] == "b"
    assert client.get_secret_value(SecretId=secret, VersionId=first)["SecretString"] == "old"


def test_put_with_the_same_token_and_value_does_nothing(client, secret, token):
    """A repeated put answers with the version's labels of now and moves none."""
    put = {"SecretId": secret, "ClientRequestToken": token, "SecretString": "b"}
    client.put_secret_value(**put, VersionStages=["AWSPENDING"])
    again = client.put_secret_value(**put, VersionStages=["AWSCURRENT"])
    assert again["VersionStages"] == ["AWSPENDING"]
    assert client.get_secret_value(SecretId=secret)["SecretString"] == "old"


def test_put_with_the_same_token_and_another_value_is_refused(double, client, secret, token, refusal):
    """A version never changes its value, not even between text and binary."""
    put = {"SecretId": secret, "ClientRequestToken": token}
    client.put_secret_value(**put, SecretString="AP8=", VersionStages=["AWSPENDING"])
    assert refusal(client.put_secret_value, **put, SecretString="c") == ("ResourceExistsException", 400)
    assert refusal(client.put_secret_value, **put, SecretBinary=b"\x00\xff") == ("ResourceExistsException", 400)
    assert double.value(secret, version=token) == Secret("AP8=")


def test_put_takes_labels_from_their_holders(double, client, secret):
    """Labels named in a put move without a compare-and-swap; the others stay."""
    first = client.get_secret_value(SecretId=secret)["VersionId"]
    one = client.put_secret_value(SecretId=secret, SecretString="b", VersionStages=["one", "two"])["VersionId"]
    two = client.put_secret_value(SecretId=secret, SecretString="c", VersionStages=["two"])["VersionId"]
    assert stages(double, secret) == {first: {"AWSCURRENT"}, one: {"one"}, two: {"two"}}


def test_the_first_value_becomes_current_whatever_labels_are_named(client):
    """A secret with a value always has a current one."""
    client.create_secret(Name="app/empty")
    put = client.put_secret_value(SecretId="app/empty", SecretString="a", VersionStages=["mine"])
    assert put["VersionStages"] == ["AWSCURRENT", "mine"]


def test_reading_by_id_and_label_needs_both_to_agree(client, secret, token, refusal):
    """A mismatch is an invalid request, an unknown id or label is "not found"."""
    client.put_secret_value(SecretId=secret, SecretString="b", ClientRequestToken=token, VersionStages=["AWSPENDING"])
    both = {"SecretId": secret, "VersionId": token}
    assert client.get_secret_value(**both, VersionStage="AWSPENDING")["SecretString"] == "b"
    read = client.get_secret_value
    assert refusal(read, **both, VersionStage="AWSCURRENT") == ("InvalidRequestException", 400)
    missing = ("ResourceNotFoundException", 400)
    assert refusal(read, SecretId=secret, VersionStage="nobody") == missing
    assert refusal(read, SecretId=secret, VersionId=str(uuid.uuid4()), VersionStage="AWSCURRENT") == missing
    assert refusal(read, SecretId="app/other") == missing


def test_update_changes_description_and_value(client, secret, refusal, token):
    """Without a value there is no version id in the answer; a token that is a version already is an error."""
    assert "VersionId" not in client.update_secret(SecretId=secret, Description="kept")
    assert client.update_secret(SecretId=secret, SecretString="b", ClientRequestToken=token)["VersionId"] == token
    assert client.describe_secret(SecretId=secret)["Description"] == "kept"
    assert client.get_secret_value(SecretId=secret)["SecretString"] == "b"
    again = {"SecretId": secret, "SecretString": "b", "ClientRequestToken": token}
    assert refusal(client.update_secret, **again) == ("ResourceExistsException", 400)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"SecretString": "x" * 65_537}, "ValidationException"),
        ({"SecretString": "é" * 32_769}, "ValidationException"),
        ({"SecretString": "a", "SecretBinary": b"a"}, "InvalidParameterException"),
        ({}, "InvalidRequestException"),
        ({"SecretString": "b", "ClientRequestToken": "t" * 65}, "ValidationException"),
    ],
    ids=["characters", "bytes", "text and binary", "nothing", "long token"],
)
def test_a_put_that_is_refused(client, secret, refusal, value, code):
    """A put takes one value of at most 65,536 bytes, and a token of 32 to 64 characters; botocore stops a short one."""
    assert refusal(client.put_secret_value, SecretId=secret, **value) == (code, 400)
    with pytest.raises(ParamValidationError):
        client.put_secret_value(SecretId=secret, SecretString="b", ClientRequestToken="t" * 31)
    client.put_secret_value(SecretId=secret, SecretString="x" * 65_536)


def test_a_deleted_secret_can_be_described_and_restored_within_its_window(double, client, secret, refusal, clock):
    """A deleted secret can neither be read nor created again before its window ends; then it is gone."""
    gone = client.delete_secret(SecretId=secret, RecoveryWindowInDays=7)
    assert gone["DeletionDate"].timestamp() == clock.now() + 7 * DAY
    assert client.describe_secret(SecretId=secret)["DeletedDate"] == gone["DeletionDate"]
    invalid = ("InvalidRequestException", 400)
    assert refusal(client.get_secret_value, SecretId=secret) == invalid
    assert refusal(client.put_secret_value, SecretId=secret, SecretString="b") == invalid
    assert refusal(client.create_secret, Name="app/db", SecretString="old") == invalid
    assert client.list_secrets()["SecretList"] == []
    assert len(client.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1
    client.restore_secret(SecretId=secret)
    assert client.get_secret_value(SecretId=secret)["SecretString"] == "old"
    client.delete_secret(SecretId=secret)
    clock.sleep(30 * DAY)
    assert refusal(client.restore_secret, SecretId=secret) == ("ResourceNotFoundException", 400)
    assert double.create("app/db", "new") != secret


def test_a_forced_deletion_is_immediate_and_never_not_found(client, secret, refusal):
    """A forced deletion excludes a window, and a second one succeeds as well."""
    both = {"SecretId": secret, "ForceDeleteWithoutRecovery": True, "RecoveryWindowInDays": 7}
    assert refusal(client.delete_secret, **both) == ("InvalidParameterException", 400)
    too_short = {"SecretId": secret, "RecoveryWindowInDays": 6}
    assert refusal(client.delete_secret, **too_short) == ("InvalidParameterException", 400)
    for _ in range(2):
        client.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    assert refusal(client.describe_secret, SecretId=secret) == ("ResourceNotFoundException", 400)


def test_tags_are_added_replaced_and_removed(client, secret, refusal):
    """A secret that never had tags shows none; one that lost them shows an empty list, as recorded from AWS."""
    assert "Tags" not in client.describe_secret(SecretId=secret)
    client.tag_resource(SecretId=secret, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    client.tag_resource(SecretId=secret, Tags=[{"Key": "a", "Value": "3"}])
    assert client.describe_secret(SecretId=secret)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    client.untag_resource(SecretId=secret, TagKeys=["a", "b", "never"])
    assert client.describe_secret(SecretId=secret)["Tags"] == []
    too_many = [{"Key": str(number), "Value": ""} for number in range(51)]
    assert refusal(client.tag_resource, SecretId=secret, Tags=too_many) == ("InvalidParameterException", 400)


def test_versions_are_listed_in_pages_and_deprecated_ones_only_on_request(client, secret, clock):
    """Pages follow each other by their tokens until there is none."""
    for number in range(4):
        clock.sleep(1)
        client.put_secret_value(SecretId=secret, SecretString=f"value {number}")
    labelled = client.list_secret_version_ids(SecretId=secret)["Versions"]
    assert [version["VersionStages"] for version in labelled] == [["AWSPREVIOUS"], ["AWSCURRENT"]]
    sizes, following = [], {}
    while True:
        page = client.list_secret_version_ids(SecretId=secret, IncludeDeprecated=True, MaxResults=2, **following)
        sizes.append(len(page["Versions"]))
        if "NextToken" not in page:
            break
        following = {"NextToken": page["NextToken"]}
    assert sizes == [2, 2, 1]


def test_a_page_token_of_another_listing_is_refused(client, secret, refusal):
    """Tokens are opaque, and bound to what they page through."""
    client.create_secret(Name="app/other", SecretString="x")
    following = client.list_secrets(MaxResults=1)["NextToken"]
    assert refusal(client.list_secrets, NextToken="made up") == ("InvalidNextTokenException", 400)
    wrong = {"SecretId": secret, "NextToken": following}
    assert refusal(client.list_secret_version_ids, **wrong) == ("InvalidNextTokenException", 400)
    assert [one["Name"] for one in client.list_secrets(NextToken=following)["SecretList"]] == ["app/other"]


def test_secrets_are_listed_by_filter_and_order(client, clock, refusal):
    """Prefixes match, an exclamation mark turns a filter around."""
    for name in ("b/one", "a/two", "a/three"):
        clock.sleep(1)
        client.create_secret(Name=name, Tags=[{"Key": "team", "Value": name[0]}])

    def names(**listing):
        return [one["Name"] for one in client.list_secrets(**listing)["SecretList"]]

    assert names() == ["b/one", "a/two", "a/three"]
    assert names(SortBy="name", SortOrder="desc") == ["b/one", "a/two", "a/three"]
    assert names(SortBy="name") == ["a/three", "a/two", "b/one"]
    assert names(Filters=[{"Key": "name", "Values": ["a/"]}]) == ["a/two", "a/three"]
    assert names(Filters=[{"Key": "tag-value", "Values": ["!a"]}]) == ["b/one"]
    assert refusal(client.list_secrets, Filters=[{"Key": "name"}]) == ("InvalidParameterException", 400)
    assert refusal(client.list_secrets, Filters=[{"Key": "all", "Values": ["a"]}]) == ("NotImplemented", 501)


def test_an_unlabelled_version_may_be_purged_and_a_labelled_one_never(double, client, secret):
    """``purge`` is the worst that the service may do to versions."""
    first = client.get_secret_value(SecretId=secret)["VersionId"]
    for value in ("b", "c"):
        client.put_secret_value(SecretId=secret, SecretString=value)
    assert double.labels(secret)[first] == frozenset()
    double.purge(secret)
    assert first not in double.labels(secret)
    assert sorted(map(sorted, double.labels(secret).values())) == [["AWSCURRENT"], ["AWSPREVIOUS"]]


def test_a_random_password_honours_its_options(client, refusal):
    """Length, excluded types and characters, the space, and one of each type that remains."""
    for _ in range(20):
        default = client.get_random_password()["RandomPassword"]
        assert len(default) == 32
        for kind in (string.ascii_lowercase, string.ascii_uppercase, string.digits, string.punctuation):
            assert set(default) & set(kind)
        narrow = client.get_random_password(
            PasswordLength=3,
            ExcludePunctuation=True,
            ExcludeUppercase=True,
            ExcludeCharacters="0123456",
            IncludeSpace=True,
        )["RandomPassword"]
        assert len(narrow) == 3
        assert " " in narrow
        assert set(narrow) & set("789")
        assert set(narrow) & set(string.ascii_lowercase)
    assert refusal(client.get_random_password, PasswordLength=3) == ("InvalidParameterException", 400)
    assert refusal(client.get_random_password, PasswordLength=4097) == ("ValidationException", 400)
    only_digits = {"ExcludePunctuation": True, "ExcludeUppercase": True, "ExcludeLowercase": True}
    digits = client.get_random_password(**only_digits)["RandomPassword"]
    assert set(digits) <= set(string.digits)
    none = {**only_digits, "ExcludeNumbers": True}
    assert refusal(client.get_random_password, **none) == ("InvalidParameterException", 400)
