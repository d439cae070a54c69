"""UCloud's golden signatures, and how parameters become what is signed."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.families import ucloud

PUBLIC, PRIVATE = {"PublicKey": "my_public_key"}, "my_private_key"


@pytest.mark.parametrize(
    ("params", "key", "expected"),
    [
        pytest.param(
            {
                "Action": "DescribeUHostInstance",
                "Region": "cn-bj2",
                "Limit": 10,
                "PublicKey": "ucloudsomeone@example.com1296235120854146120",
            },
            # The sample key of the vendor's signature page.
            "46f09bb9fab4f12dfc16" + "0dae12273d5332b5debe",
            "cba5cf5ec4d4233d206b1b54951e3787350a642f",
            id="U1",
        ),
        pytest.param({"foo": "bar", **PUBLIC}, PRIVATE, "d4411ab30953fb0bbcb1e7313081f05e4e91a394", id="U2"),
        pytest.param({"foo": "bar"}, PRIVATE, "634edc1bb957c0d65e5ab5494cf3b7784fbc87af", id="U3"),
        pytest.param(
            {
                "Action": "ResetCompShareInstancePassword",
                "Region": "cn-wlcb",
                "Zone": "cn-wlcb-01",
                "UHostId": "uhost-test",
                "Password": "TXlOZXdQYXNzd29yZDEyMyE=",
                "ProjectId": "org-test",
                **PUBLIC,
            },
            PRIVATE,
            "fa7ae363941a38270dad5577cf09e66dd7b201f7",
            id="U4",
        ),
        pytest.param(
            {
                "Action": "DescribeCompShareInstance",
                "Region": "cn-wlcb",
                "UHostIds": ["uhost-test"],
                "Limit": 20,
                "Offset": 0,
                "WithoutGpu": False,
                "F": 42.0,
                **PUBLIC,
            },
            PRIVATE,
            "02d2b205f11d06f1f44985de20d7354bb8105d52",
            id="U5",
        ),
    ],
)
def test_signatures_are_the_vendors(params, key, expected):
    """Every golden vector of the vendor's page and SDK is reproduced from unflattened parameters."""
    assert ucloud.signature(ucloud.flatten(params), Secret(key)) == expected


def test_parameters_are_flattened_as_the_sdk_does():
    """Lists and objects get dotted names, numbers have no exponent, and ``None`` is left out."""
    nested = {"A": {"B": 1}, "L": [{"C": "x"}, {"C": None}], "Big": 1e16, "Small": 1e-7, "Yes": True, "No": None}
    numbers = {"Big": "10000000000000000", "Small": "0.0000001"}
    assert ucloud.flatten(nested) == {"A.B": "1", "L.0.C": "x", "Yes": "true", **numbers}
