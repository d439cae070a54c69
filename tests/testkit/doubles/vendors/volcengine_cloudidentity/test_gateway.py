"""The cloudidentity simulator's gateway: golden vectors, and signatures with one fault each."""

import hashlib
from datetime import UTC, datetime

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.gateway import canonical_hash, signature
from rotation_testkit.doubles.vendors.volcengine_cloudidentity.simulator import AccessKey, VolcengineCloudIdentity

OLD, NEW = "Old-pass-1234", "New-pass-5678"
DATE = "20250309T150549Z"  # of the golden vectors
SCOPE = ("20250309", "cn-beijing", "cloudidentity")
RESET = {"Action": "ResetPassword", "Version": "2023-01-01"}
V1_BODY = b'{"UserId": "e", "Password": "YxEnyCpX9!", "PasswordResetRequired": true, "GenerateRandomPassword": false}'
DOC_SIGNED = ["host", "x-content-sha256", "x-date"]


GOLDEN = [
    (
        "POST",
        RESET,
        V1_BODY,
        "application/json; charset=UTF-8",
        ["content-type", *DOC_SIGNED],
        "ae165e7bd277cb674921b725727115e0d89f21144cad95950ead277c2cbef80f",
        "d57556e5e51d8e092eb9f441c9fd2176cf48a3dc7e86fa1afb488f2dc025293a",
    ),
    (
        "GET",
        {"Action": "ListUsers", "Version": "2023-01-01"},
        b"",
        "",
        DOC_SIGNED,
        "d0bd24df57d5243e0f042d9fa8fd8f568059eec2837e1464a8c6e821b638c169",
        "40a1c13ca9a9d557f7b2b21dbd8c256529e659430f4366feedae0e0e8f4e5a63",
    ),
]
"""What volcenginesdkcore 5.0.54 signed with its clock at ``DATE``."""


@pytest.mark.parametrize(
    ("method", "query", "body", "content_type", "signed", "digest", "expected"), GOLDEN, ids=["POST", "GET"]
)
def test_golden_vectors_over_the_wire(*, method, query, body, content_type, signed, digest, expected):  # noqa: PLR0913 - one row of the table
    """The vendor's digests and signatures come out the same, and the requests that they belong to are answered."""
    headers = {
        "content-type": content_type,
        "host": "open.volcengineapi.com",
        "x-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-date": DATE,
    }
    canonical = canonical_hash(method, "/", query, headers, signed=signed, body=body)
    assert canonical == digest
    assert signature(Secret("SKTEST"), DATE, SCOPE, canonical) == expected
    headers["authorization"] = (
        f"HMAC-SHA256 Credential=AKTEST/{'/'.join(SCOPE)}/request, "
        f"SignedHeaders={';'.join(signed)}, Signature={expected}"
    )
    then = datetime(2025, 3, 9, 15, 5, 49, tzinfo=UTC).timestamp()
    sim = VolcengineCloudIdentity(clock=lambda: then, credentials=AccessKey("AKTEST", Secret("SKTEST")))
    sim.add_user("alice", Secret(OLD), user_id="e")
    with sim.serve() as url:
        answer = requests.request(method, url, params=query, data=body, headers=headers, timeout=5)
    assert answer.status_code == 200
    assert answer.json()["ResponseMetadata"]["Region"] == "cn-beijing"


def test_header_values_are_signed_byte_for_byte():
    """Another case in charset is another signature (the vendor's SDK gives this one)."""
    headers = {
        "content-type": "application/json; charset=utf-8",
        "host": "open.volcengineapi.com:443",
        "x-content-sha256": hashlib.sha256(V1_BODY).hexdigest(),
        "x-date": DATE,
    }
    canonical = canonical_hash("POST", "/", RESET, headers, signed=["content-type", *DOC_SIGNED], body=V1_BODY)
    proof = signature(Secret("SKTEST"), DATE, SCOPE, canonical)
    assert proof == "0248f65e3cea2903d5f7d0507a11c836a92623738f4a33c2bce88c22426adc50"


def test_received_list_of_signed_headers_counts(raw):
    """Clients may sign more than the documentation's sample does; host and x-date must be among them."""
    raw.headers["x-sdk-request"] = "attempt=1; max=4"
    raw.signed = [*DOC_SIGNED, "x-sdk-request"]
    assert raw.send()[1] == "ok"
    body = raw.sign()
    raw.headers["x-sdk-request"] = "attempt=2; max=4"
    assert raw.send(body) == (401, "SignatureDoesNotMatch", 100010)
    for signed in (["host", "x-content-sha256"], ["x-content-sha256", "x-date"]):
        raw.signed = signed
        assert raw.send() == (401, "SignatureDoesNotMatch", 100010)


def test_signed_header_that_did_not_come(raw):
    """A name in the list without a header cannot be verified."""
    raw.headers["x-extra"] = "1"
    raw.signed = [*DOC_SIGNED, "x-extra"]
    body = raw.sign()
    del raw.headers["x-extra"]
    assert raw.send(body)[1] == "SignatureDoesNotMatch"


def test_tampering(raw, sim):
    """A request with another digest or another action than the signed one is refused and does nothing."""
    body = raw.sign()
    raw.headers["x-content-sha256"] = "0" * 64
    assert raw.send(body)[1] == "SignatureDoesNotMatch"
    body = raw.sign()
    raw.query["Action"] = "DeleteUser"
    assert raw.send(body)[1] == "SignatureDoesNotMatch"
    assert (sim.attempts("u-alice"), sim.user("u-alice").user_name) == (0, "alice")


def test_digest_header_must_match_even_when_it_is_not_signed(raw):
    """The digest header is checked against the body although it is not signed."""
    raw.signed = ["host", "x-date"]
    body = raw.sign()
    assert raw.send(body)[1] == "ok"
    raw.headers["x-content-sha256"] = "0" * 64
    assert raw.send(body)[1] == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("authorization", None, (401, "MissingAuthenticationToken", 100003)),
        ("authorization", "Basic x", (400, "InvalidAuthorization", None)),
        (
            "authorization",
            "HMAC-SHA256 Credential=A/20250309/r/cloudidentity/request, SignedHeaders=host",
            (401, "MissingSignature", 100005),
        ),
        (
            "authorization",
            "HMAC-SHA256 Credential=A/20250309/r/cloudidentity/request, SignedHeaders=host, Signature=x",
            (400, "InvalidAuthorization", None),
        ),
        (
            "authorization",
            "HMAC-SHA256 Credential=A, SignedHeaders=host, Signature=" + "0" * 64,
            (400, "InvalidCredential", None),
        ),
        ("x-date", None, (400, "MissingRequestInfo", 100004)),
        ("x-content-sha256", None, (400, "MissingRequestInfo", 100004)),
        ("x-date", "2025-03-09T15:05:49Z", (400, "InvalidTimestamp", 100006)),
    ],
)
def test_headers(raw, header, value, expected):
    """What is missing or malformed has its own code."""
    body = raw.sign()
    if value is None:
        del raw.headers[header]
    else:
        raw.headers[header] = value
    assert raw.send(body) == expected


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [(0, "20250308", (401, "SignatureDoesNotMatch", 100010)), (2, "ecs", (404, "ServiceNotFound", 100007))],
)
def test_scope_must_fit(raw, place, value, expected):
    """The day is X-Date's and the service cloudidentity, even when signed consistently."""
    raw.scope[place] = value
    assert raw.send() == expected
