"""Tencent's two signatures equal every golden vector of the vendor's pages and SDKs; keys are documentation samples."""

import pytest

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
TEST_KEY = "AKIDTEST", Secret("SKTEST")
PAGE, SDK = ("cvm.api.qcloud.com", (DOC_ID, DOC_KEY), DOC_PARAMS), ("bm.api.qcloud.com", TEST_KEY, RESET)
SHA1, SHA256 = {"SignatureMethod": "HmacSHA1"}, {"SignatureMethod": "HmacSHA256"}


@pytest.mark.parametrize(
    ("sample", "method", "more", "expected"),
    [
        pytest.param(PAGE, "GET", SHA256, "0EEm/HtGRr/VJXTAD9tYMth1Bzm3lLHz5RCDv1GdM8s=", id="T1"),
        pytest.param(PAGE, "GET", SHA1, "nPVnY6njQmwQ8ciqbPl5Qe+Oru4=", id="T2"),
        pytest.param(SDK, "GET", SHA1, "fjii586ImA7Mfk8gA4OX8WuhYkY=", id="T3"),
        pytest.param(SDK, "GET", SHA256, "VbAtr5py3thYOS3GVpEMBWVlUJATuhjZmCMYZXZIHyk=", id="T4"),
        pytest.param(SDK, "POST", SHA1, "/Z7H1FqyYzJA2lbng/gnf9M1dOg=", id="T5"),
        pytest.param(SDK, "POST", SHA256, "Ppok3OURDaTpRYkdljboRtaWfWIsfFnIsBhlkgJ010k=", id="T6"),
        pytest.param(SDK, "GET", {}, "N0BD17JTFyWzC+do8MT9+ElE/q8=", id="T7"),
    ],
)
@pytest.mark.parametrize("separator", [".", "_"])
def test_signatures_of_v2(sample, method, more, expected, separator):
    """Values are signed unchanged, trailing blanks included; both separators in names sign alike.

    A request that names no digest is signed with SHA-1.
    """
    host, key, values = sample
    params = {name.replace(".", separator): value for name, value in values.items()} | more
    digest = more.get("SignatureMethod", "HmacSHA1")
    assert tencent_cloud_v2.signature(method, host, params, tencent_cloud_v2.Key(*key, digest)) == expected


@pytest.mark.parametrize(
    ("key", "host", "content_type", "body", "signature"),
    [
        pytest.param(
            tencent_cloud.Key("AKIDTEST", Secret("Gu5t9xGARNpq86cd" + "98joQYCN3EXAMPLE"), "cvm"),
            "cvm.tencentcloudapi.com",
            "application/json; charset=utf-8",
            rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
            "72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168",
            id="T8",
        ),
        pytest.param(
            tencent_cloud.Key(*TEST_KEY, "bm"),
            "bm.tencentcloudapi.com",
            "application/json",
            b'{"InstanceIds": ["cpm-aaaa"], "Password": "Abcd1234!"}',
            "176d3f6eff9c48c9091b5a800dd23e1c68353c3d3e9247c4bba0b54ce8cb8570",
            id="T9",
        ),
    ],
)
def test_signatures_of_api_3(key, host, content_type, body, signature):
    """The scope's day is that of the timestamp in UTC."""
    sent = tencent_cloud.authorization(key, host=host, content_type=content_type, body=body, timestamp=1_551_113_065)
    assert sent == (
        f"TC3-HMAC-SHA256 Credential=AKIDTEST/2019-02-25/{key.service}/tc3_request, "
        f"SignedHeaders=content-type;host, Signature={signature}"
    )
