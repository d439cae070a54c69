"""ListSecrets through the adapter: filters, pages, exactness."""

import pytest

from rotation.core.errors import StoreDenied, StoreError
from rotation.stores.aws.listing import listed
from rotation_testkit.doubles.secretsmanager import SecretsManager


@pytest.fixture
def double():
    """A double with five secrets of two teams."""
    one = SecretsManager()
    with one.serve():
        for name, tags in {"app/a": "x", "app/b": "xy", "app/c": "!x", "other": "x", "app/d": "a;b"}.items():
            one.call("CreateSecret", Name=name, Tags=[{"Key": "team", "Value": tags}])
        yield one


def names(double, **filters):
    """Return the names that are listed."""
    return [each["Name"] for each in listed(double.client(direct=True), **filters)]


def test_a_prefix_and_tags_are_compared_exactly(double):
    """The service matches beginnings, so what is not wanted is left out here; all conditions must hold."""
    assert names(double) == ["app/a", "app/b", "app/c", "other", "app/d"]
    assert names(double, prefix="app/") == ["app/a", "app/b", "app/c", "app/d"]
    assert names(double, tags=(("team", "x"),)) == ["app/a", "other"]
    assert names(double, prefix="app/", tags=(("team", "x"),)) == ["app/a"]
    assert names(double, tags=(("team", "x"), ("x", "team"))) == []


@pytest.mark.parametrize(("value", "found"), [("!x", ["app/c"]), ("a;b", ["app/d"])])
def test_what_no_filter_takes_is_compared_here_alone(double, value, found):
    """A leading ``!`` would mean *not*, and other characters would be refused."""
    assert names(double, tags=(("team", value),)) == found


def test_pages_follow_one_another(double):
    """More secrets than a page are listed once each, by as few calls as there are pages."""
    for number in range(230):
        double.create(f"many/{number:03}")
    before = len(double.calls)
    assert names(double, prefix="many/") == [f"many/{number:03}" for number in range(230)]
    assert [each.operation for each in double.calls[before:]] == ["ListSecrets"] * 3


def test_a_refusal_names_the_right(double):
    """Without the right to list, the error says so."""
    double.faults.deny("ListSecrets")
    with pytest.raises(StoreDenied, match=r"secretsmanager:ListSecrets on \* is denied") as refused:
        names(double)
    assert isinstance(refused.value, StoreError)
