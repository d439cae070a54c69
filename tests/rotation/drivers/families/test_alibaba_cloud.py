"""Alibaba's signature against the vendor's own sample and SDK."""

import hashlib

import pytest

from rotation.core.secret import Secret
from rotation.drivers.families.alibaba_cloud import AccessKey, authorization

EMPTY = hashlib.sha256(b"").hexdigest()


def test_the_pages_sample():
    """The vendor's page on signature method V3 gets its signature for RunInstances; its key opens nothing."""
    headers = {
        "host": "ecs.cn-shanghai.aliyuncs.com",
        "x-acs-action": "RunInstances",
        "x-acs-content-sha256": EMPTY,
        "x-acs-date": "2023-10-26T10:22:32Z",
        "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
        "x-acs-version": "2014-05-26",
    }
    query = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    key = AccessKey("YourAccessKeyId", Secret("YourAccessKeySecret"))
    assert authorization(key, method="POST", query=query, headers=headers) == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


@pytest.mark.parametrize("token", [False, True])
def test_the_vendors_sdk_signs_alike(token):
    """The SDK's own function, given the same form and headers, gives the same Authorization."""
    from types import SimpleNamespace

    from alibabacloud_tea_openapi.utils import Utils

    body = b"AccountPassword=a%21%40%23%24%26%25%5E%2A%28%29_%2B-%3D"
    headers = {
        "host": "rds.aliyuncs.com",
        "content-type": "application/x-www-form-urlencoded",
        "x-acs-action": "ResetAccountPassword",
        "x-acs-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-acs-date": "2026-11-30T08:00:00Z",
        "x-acs-signature-nonce": "7" * 32,
        "x-acs-version": "2014-08-15",
    } | ({"x-acs-security-token": "a+token/==", "x-acs-accesskey-id": "AK"} if token else {})
    request = SimpleNamespace(method="POST", pathname="/", query={}, headers=headers)
    theirs = Utils.get_authorization(request, "ACS3-HMAC-SHA256", headers["x-acs-content-sha256"], "AK", "SK")
    assert authorization(AccessKey("AK", Secret("SK")), method="POST", query="", headers=headers) == theirs
