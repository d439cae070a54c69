"""Tencent's two signatures: the samples of the vendor's pages, whose keys open nothing, and what its SDK signs."""

import json
from types import SimpleNamespace

import pytest
from tencentcloud.common.abstract_client import AbstractClient
from tencentcloud.common.credential import Credential
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.common.sign import Sign

from rotation.core.secret import Secret
from rotation.drivers.families import tencent_cloud, tencent_cloud_v2

DOC_KEY = Secret("Gu5t9xGARNpq86cd" + "98joQYCN3Cozk1qA")
DOC_ID = "AKID" + "z8krbsJ5yKBZQpn74WFkmLPx3gnPhESA"
DOC_PARAMS = {
    "Action": "DescribeInstances",
    "InstanceIds.0": "ins-09dx96dg",
    "Nonce": "11886",
    "Region": "ap-guangzhou",
    "SecretId": DOC_ID,
    "Timestamp": "1465185768",
}
RESET = {
    "Action": "ResetDevicePasswd",
    "Nonce": "48476",
    "Region": "bj",
    "SecretId": "AKIDTEST",
    "Timestamp": "1476436689",
    "instanceIds.1": "cpm-34xs43xs",
    "instanceIds.2": "cpm-3xwssdfx",
    "passwd": "Ab_c+e/12=34 ",
}
SHA1, SHA256 = {"SignatureMethod": "HmacSHA1"}, {"SignatureMethod": "HmacSHA256"}


def sdk(endpoint, method="POST"):
    """The vendor's own client, which builds requests and sends none."""
    profile = ClientProfile(httpProfile=HttpProfile(endpoint=endpoint, reqMethod=method))
    return AbstractClient(Credential("AKIDTEST", "SKTEST"), "bj", profile)


@pytest.mark.parametrize("separator", [".", "_"])
@pytest.mark.parametrize(
    ("more", "expected"),
    [(SHA256, "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s="), (SHA1, "nPVnY6njQmwQ8ciqbPl5Qe+Oru4=")],
    ids=["HmacSHA256", "HmacSHA1"],
)
def test_the_pages_samples_of_v2(more, expected, separator):
    """The page on v2's signature (2018-12) has one for each digest; both separators in names sign alike."""
    params = {name.replace(".", separator): value for name, value in DOC_PARAMS.items()} | more
    key = tencent_cloud_v2.Key(DOC_ID, DOC_KEY, more["SignatureMethod"])
    assert tencent_cloud_v2.signature("GET", "cvm.api.qcloud.com", params, key) == expected


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("more", [SHA1, SHA256, {}], ids=str)
def test_the_vendors_sdk_signs_v2_alike(method, more):
    """Values are signed unchanged, trailing blanks included; a request that names no digest is signed with SHA-1."""
    digest, params = more.get("SignatureMethod", "HmacSHA1"), RESET | more
    client = sdk("bm.api.qcloud.com", method)
    client._requestPath = tencent_cloud_v2.PATH
    theirs = Sign.sign("SKTEST", client._format_sign_string(params), digest)
    key = tencent_cloud_v2.Key("AKIDTEST", Secret("SKTEST"), digest)
    assert tencent_cloud_v2.signature(method, "bm.api.qcloud.com", params, key) == theirs


def test_the_pages_sample_of_api_3():
    """The page on signature method v3 (cvm, 2019-02-25); the scope's day is that of the timestamp in UTC."""
    sent = tencent_cloud.authorization(
        tencent_cloud.Key("AKIDTEST", Secret("Gu5t9xGARNpq86cd" + "98joQYCN3EXAMPLE"), "cvm"),
        host="cvm.tencentcloudapi.com",
        content_type="application/json; charset=utf-8",
        body=rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
        timestamp=1_551_113_065,
    )
    assert sent == (
        "TC3-HMAC-SHA256 Credential=AKIDTEST/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, "
        "Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"
    )


# the SDK asks for the day of a timestamp with datetime.utcfromtimestamp, deprecated since Python 3.12
@pytest.mark.filterwarnings("ignore:datetime.datetime.utcfromtimestamp:DeprecationWarning")
@pytest.mark.parametrize("service", ["bm", "cvm", "cdb"])
def test_the_vendors_sdk_signs_api_3_alike(service):
    """The SDK's request and ours, of the same moment, have the same Authorization."""
    host, body = f"{service}.tencentcloudapi.com", {"InstanceIds": ["cpm-aaaa"], "Password": "Abcd1234!\u00fc"}
    client = sdk(host)
    client._service, client._apiVersion = service, "2018-04-23"
    request = SimpleNamespace(method="POST", uri="/", header={})
    client._build_req_with_tc3_signature("ResetDevicePassword", body, request)
    key = tencent_cloud.Key("AKIDTEST", Secret("SKTEST"), service)
    ours = tencent_cloud.authorization(
        key,
        host=host,
        content_type=request.header["Content-Type"],
        body=json.dumps(body).encode(),
        timestamp=int(request.header["X-TC-Timestamp"]),
    )
    assert ours == request.header["Authorization"]
