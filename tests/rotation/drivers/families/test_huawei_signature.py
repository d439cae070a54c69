"""Huawei's signature against the vendor's own sample and SDK."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.families.huawei_signature import AccessKey, signed_headers

# The sample key of the vendor's API Request Signing Guide; it opens nothing.
DOCUMENTED = AccessKey("QTWAOYTTINDUT2QVKYUC", Secret("MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"))
AT = 1573789015  # 20191115T033655Z


def test_the_guides_sample():
    """The guide's request gets the guide's signature; the order of the query does not matter."""
    path = "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"
    url = f"{path}?marker=13551d6b-755d-4757-b956-536f674975c0&limit=2"
    sent = signed_headers(
        DOCUMENTED, method="GET", url=url, headers={"Content-Type": "application/json"}, body=b"", now=AT
    )
    assert sent["X-Sdk-Date"] == "20191115T033655Z"
    assert sent["Authorization"] == (
        "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, "
        "Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
    )


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize("token", ["", "Temporary+Token/31=="])
@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("POST", "/v3/p/instances/i/db_user/resetpwd", [], b'{"name": "robot", "password": "a~!@#%^*_+?,-B1"}'),
        ("GET", "/v3/p/instances", [("id", "i"), ("limit", "100"), ("name", "a b~c/d*")], b""),
        ("DELETE", "/v3/auth/tokens/", [], b""),
    ],
)
def test_the_vendors_sdk_signs_alike(method, path, query, body, token):
    """The SDK's signer, given the same request, gives the same header."""
    from urllib.parse import urlencode

    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer

    key = AccessKey("AK", Secret("SK"), Secret(token))
    headers = {"Content-Type": "application/json; charset=UTF-8", "X-Project-Id": "p"}
    url = "https://rds.cn-north-4.myhuaweicloud.com:8443" + path + (f"?{urlencode(query)}" if query else "")
    ours = signed_headers(key, method=method, url=url, headers=headers, body=body, now=AT)
    given = {**headers, "X-Sdk-Date": ours["X-Sdk-Date"]} | ({"X-Security-Token": token} if token else {})
    request = SdkRequest(
        method=method,
        schema="https",
        host="rds.cn-north-4.myhuaweicloud.com:8443",
        resource_path=path,
        query_params=query,
        header_params=given,
        body=body,
    )
    signed = Signer(BasicCredentials("AK", "SK", "p")).sign(request)
    assert signed.header_params["Authorization"] == ours["Authorization"]
