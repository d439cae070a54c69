"""The gateway of Tencent's API 3.0 as simulated: golden vectors, and calls with one fault each."""

import time

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.families.tencent.gateway import canonical_hash, signature


@pytest.mark.parametrize(
    ("secret", "service", "headers", "body", "digest", "expected"),
    [
        (
            "Gu5t9xGARNpq86cd" + "98joQYCN3EXAMPLE",
            "cvm",
            {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
            rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
            "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031",
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
        ),
        (
            "SKTEST",
            "bm",
            {"content-type": "application/json", "host": "bm.tencentcloudapi.com"},
            b'{"InstanceIds": ["cpm-aaaa"], "Password": "Abcd1234!"}',
            "ad7df5a84fa972c0c33d7e484b44ce2c7131e5f55d5a0a82124564d430fd3def",
            "176d3f6eff9c48c9091b5a800dd23e1c68353c3d3e9247c4bba0b54ce8cb8570",
        ),
    ],
    ids=["T8", "T9"],
)
def test_signature_is_the_vendors(*, secret, service, headers, body, digest, expected):  # noqa: PLR0913 - one row of the table
    """The documentation's sample and one of the vendor's SDK come out the same (the first key is the page's own)."""
    canonical = canonical_hash(headers, ["content-type", "host"], body)
    assert canonical == digest
    assert signature(Secret(secret), "1551113065", "2019-02-25", service, canonical) == expected


class Raw:
    """A call made by hand; a test changes one part of it."""

    def __init__(self, sim, url):
        self.sim, self.url = sim, url
        now = int(sim.clock())
        self.body = b'{"InstanceIds":["cpm-1"]}'
        self.day = time.strftime("%Y-%m-%d", time.gmtime(now))
        self.service, self.signed = "bm", ["content-type", "host"]
        self.headers = {
            "content-type": "application/json",
            "host": url.removeprefix("http://"),
            "x-tc-action": "DescribeDevices",
            "x-tc-version": "2018-04-23",
            "x-tc-timestamp": str(now),
            "x-tc-region": "ap-beijing",
        }

    def sign(self):
        """Put the Authorization header on."""
        key = self.sim.credentials
        canonical = canonical_hash(self.headers, self.signed, self.body)
        proof = signature(key.secret_key, self.headers["x-tc-timestamp"], self.day, self.service, canonical)
        scope = f"{key.secret_id}/{self.day}/{self.service}/tc3_request"
        self.headers["authorization"] = (
            f"TC3-HMAC-SHA256 Credential={scope}, SignedHeaders={';'.join(self.signed)}, Signature={proof}"
        )

    def send(self, method="POST", path="/"):
        """Send it and return the code, or "ok"."""
        answer = requests.request(method, self.url + path, data=self.body, headers=self.headers, timeout=5)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"  # the SDK takes anything else for a success
        document = answer.json()["Response"]
        assert document["RequestId"] == answer.headers["X-TC-RequestId"]
        return str(document["Error"]["Code"]) if "Error" in document else "ok"


@pytest.fixture
def raw(sim, url):
    """A call that is accepted once it is signed."""
    return Raw(sim, url)


def test_received_list_of_signed_headers_counts(raw):
    """Clients may sign more than the SDK does; values are trimmed and lower-cased."""
    raw.signed = ["content-type", "host", "x-tc-action", "x-tc-timestamp"]
    raw.sign()
    assert raw.send() == "ok"
    raw.headers["x-tc-action"] = "DescribeOsInfo"
    assert raw.send() == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize("signed", [["host"], ["content-type"], ["content-type", "host", "x-absent"]], ids=str)
def test_signed_headers_must_hold_the_two_and_be_there(raw, signed):
    """Content-Type and Host are signed in any case; a header that did not come cannot be."""
    raw.headers["x-absent"] = "1"
    raw.signed = signed
    raw.sign()
    del raw.headers["x-absent"]
    assert raw.send() == "AuthFailure.SignatureFailure"


def test_an_unsigned_payload_is_refused(raw):
    """The body's digest is always signed; the vendor's option to leave it out is refused."""
    raw.body = b"UNSIGNED-PAYLOAD"
    raw.sign()
    raw.headers["x-tc-content-sha256"] = "UNSIGNED-PAYLOAD"
    raw.body = b"{}"
    assert raw.send() == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    ("part", "value"), [("day", "2001-01-01"), ("service", "cvm")], ids=["another day", "another service"]
)
def test_scope_must_fit(raw, part, value):
    """The day is the timestamp's UTC day and the service bm, even when signed consistently."""
    setattr(raw, part, value)
    raw.sign()
    assert raw.send() == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("x-tc-action", "", "MissingParameter"),
        ("x-tc-action", "DescribeTaskList", "InvalidAction"),
        ("x-tc-version", "2020-01-01", "NoSuchVersion"),
        ("x-tc-timestamp", "soon", "InvalidParameterValue"),
        ("authorization", "", "MissingParameter"),
        ("authorization", "TC3-HMAC-SHA256 Credential=x", "AuthFailure.InvalidAuthorization"),
    ],
)
def test_headers(raw, header, value, code):
    """A missing, malformed or unknown header has its own code."""
    raw.sign()
    raw.headers[header] = value
    assert raw.send() == code


def test_other_methods_paths_and_bodies(raw):
    """Anything but a POST to "/" with a JSON object is refused."""
    raw.sign()
    assert raw.send("GET") == "UnsupportedProtocol"
    assert raw.send(path="/other") == "AuthFailure.SignatureFailure"
    for body in (b"", b"[]", b"x=1"):
        raw.body = body
        raw.sign()
        assert raw.send() == "InvalidParameter"
