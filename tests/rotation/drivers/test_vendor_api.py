"""The order in which an answer is read: the error table, the HTTP status, unknown codes, malformed answers, results."""

import json
from types import SimpleNamespace

import pytest

from rotation.core import errors
from rotation.drivers.contract import Wiring
from rotation.drivers.error_table import ErrorRow, open_after_change
from rotation.drivers.network.http_messages import HttpReply, HttpRequest
from rotation.drivers.vendor_api import Malformed, Refusal, VendorApi

TABLE = (ErrorRow("7", errors.InProgress, "busy"), *open_after_change("8", "failed inside"))
BUSY, BROKEN, NOVEL = b'{"code":"7"}', b'{"code":"8"}', b'{"code":"Novel","message":"canary"}'


class _Api(VendorApi):
    """A vendor whose answers hold a code, and a result where the code is 0."""

    def sign(self, action, body):
        return HttpRequest(method="POST", url=self.url(f"/{action}"), body=json.dumps(body).encode())

    def outcome(self, answer):
        code = answer.get("code")
        if code is None:
            return Malformed("has no code")
        names_password = answer.get("field") == "password"
        return answer.get("result") if code == "0" else Refusal(code, answer.get("id"), names_password=names_password)


class _With200(_Api):
    """The same for a vendor that words every refusal with HTTP 200."""

    refuses_with_200 = True


def call(body, status=200, *, on="read", kind=_Api, sent=None):
    """Make one call of a vendor that gives this answer; ``sent`` gets the request."""

    def send(request):
        if sent is not None:
            sent.append(request)
        return HttpReply(status, {}, body, "id-of-header")

    http = SimpleNamespace(send=send)
    wiring = Wiring(http=http, endpoint="https://vendor.example:8443/", admin=None, now=lambda: 0.0)
    return kind(wiring=wiring, table=TABLE).call("reset", {"a": 1}, on=on)


@pytest.mark.parametrize("on", ["read", "login", "change"])
def test_a_call_is_signed_sent_once_and_read(on):
    """The result is returned, and only a change is marked as one."""
    sent = []
    assert call(b'{"code":"0","result":[1]}', on=on, sent=sent) == [1]
    url = "https://vendor.example:8443/reset"
    assert sent == [HttpRequest(method="POST", url=url, body=b'{"a": 1}', changes=on == "change")]


@pytest.mark.parametrize(
    ("kind", "status", "body", "of_read", "of_change"),
    [
        (_Api, 200, BUSY, errors.InProgress, errors.InProgress),
        (_Api, 500, BUSY, errors.InProgress, errors.InProgress),
        (_Api, 200, BROKEN, errors.VendorUnavailable, errors.OutcomeUnknown),
        (_With200, 200, BUSY, errors.InProgress, errors.InProgress),
        (_With200, 500, BUSY, errors.VendorUnavailable, errors.OutcomeUnknown),
        (_Api, 200, NOVEL, errors.UnexpectedReply, errors.UnexpectedReply),
        (_Api, 400, NOVEL, errors.UnexpectedReply, errors.UnexpectedReply),
        (_Api, 429, NOVEL, errors.RateLimited, errors.RateLimited),
        (_Api, 500, NOVEL, errors.VendorUnavailable, errors.OutcomeUnknown),
        (_Api, 200, b"{}", errors.UnexpectedReply, errors.OutcomeUnknown),
        (_Api, 200, b"[]", errors.UnexpectedReply, errors.OutcomeUnknown),
        (_Api, 200, b"<html>", errors.UnexpectedReply, errors.OutcomeUnknown),
        (_Api, 403, b"{}", errors.UnexpectedReply, errors.UnexpectedReply),
        (_Api, 502, b"<html>", errors.VendorUnavailable, errors.OutcomeUnknown),
        (_Api, 300, b'{"code":"0"}', errors.UnexpectedReply, errors.UnexpectedReply),
    ],
)
def test_what_an_answer_means(kind, status, body, of_read, of_change):
    """The table decides before the status, but not where the vendor itself always answers with 200."""
    for on, expected in (("read", of_read), ("change", of_change)):
        with pytest.raises(expected) as caught:
            call(body, status, on=on, kind=kind)
        assert type(caught.value) is expected
        assert caught.value.request_id == "id-of-header"
        assert "canary" not in str(caught.value.describe())


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(("code", "kept"), [("Novel", "Novel"), ("may hold a secret", None), ("x" * 41, None)])
def test_an_unknown_code_is_kept_if_it_looks_like_one(status, code, kept):
    """A code goes into log lines, so text that could hold a secret is dropped."""
    with pytest.raises(errors.UnexpectedReply) as caught:
        call(json.dumps({"code": code}).encode(), status)
    assert caught.value.vendor_code == kept
    assert code not in str(caught.value) or kept


@pytest.mark.parametrize("code", ["7", "Novel"])
def test_the_request_id_of_the_body_is_preferred(code):
    """It is used for codes of the table and for unknown ones."""
    with pytest.raises((errors.InProgress, errors.UnexpectedReply)) as caught:
        call(json.dumps({"code": code, "id": "id-of-body"}).encode())
    assert caught.value.request_id == "id-of-body"


@pytest.mark.parametrize(
    ("on", "expected"), [("read", errors.InProgress), ("login", errors.InProgress), ("change", errors.PasswordRejected)]
)
def test_a_refused_parameter_is_the_password_only_in_a_change(on, expected):
    """No other call sends a new password."""
    with pytest.raises(expected) as caught:
        call(b'{"code":"7","field":"password"}', on=on)
    assert (type(caught.value), caught.value.vendor_code) == (expected, "7")
