"""How a driver reads a reply: its JSON and its status."""

import pytest

from rotation.core.errors import OutcomeUnknown, RateLimited, UnexpectedReply, VendorUnavailable
from rotation.drivers.network.http_messages import HttpReply, check_status, json_object


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"a":', b"[]", b"null", b"1", b'"{}"', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "html", "truncated", "list", "null", "number", "text", "binary", "deep"],
)
def test_only_a_json_object_is_an_answer(body):
    """Anything else in answer to a change leaves its outcome open."""
    with pytest.raises(UnexpectedReply):
        json_object(HttpReply(200, {}, body, "id"), changes=False)
    with pytest.raises(OutcomeUnknown) as caught:
        json_object(HttpReply(200, {}, body, "id"), changes=True)
    assert caught.value.request_id == "id"
    assert caught.value.__context__ is None


def test_a_good_answer_passes():
    """The object is returned unchanged, and no error is raised for status 200."""
    reply = HttpReply(200, {}, b'{"a": 1}')
    assert json_object(reply, changes=True) == {"a": 1}
    check_status(reply, changes=True)


@pytest.mark.parametrize(
    ("status", "of_read", "of_change"),
    [
        (400, UnexpectedReply, UnexpectedReply),
        (401, UnexpectedReply, UnexpectedReply),
        (403, UnexpectedReply, UnexpectedReply),
        (429, RateLimited, RateLimited),
        (500, VendorUnavailable, OutcomeUnknown),
        (503, VendorUnavailable, OutcomeUnknown),
    ],
)
def test_statuses_mean_the_same_everywhere(status, of_read, of_change):
    """The error keeps the vendor's code and the request id."""
    for changes, expected in ((False, of_read), (True, of_change)):
        with pytest.raises(expected) as caught:
            check_status(HttpReply(status, {}, b"", "id"), changes=changes, vendor_code="c")
        assert type(caught.value) is expected
        assert (caught.value.request_id, caught.value.vendor_code) == ("id", "c")
