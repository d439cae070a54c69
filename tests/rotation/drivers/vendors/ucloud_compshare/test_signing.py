"""UCloud's signature: the samples of the vendor's page and SDK, and how parameters become what is signed."""

import pytest
from ucloud.core.auth import Credential
from ucloud.core.typesystem import encoder

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
            "46f09bb9fab4f12dfc16" + "0dae12273d5332b5debe",
            "cba5cf5ec4d4233d206b1b54951e3787350a642f",
            id="page",
        ),
        pytest.param({"foo": "bar", **PUBLIC}, PRIVATE, "d4411ab30953fb0bbcb1e7313081f05e4e91a394", id="SDK, key"),
        pytest.param({"foo": "bar"}, PRIVATE, "634edc1bb957c0d65e5ab5494cf3b7784fbc87af", id="SDK, no key"),
    ],
)
def test_the_samples_of_the_page_and_the_sdk(params, key, expected):
    """The page on signatures (UCloudDoc-Team/api, summary/public.md), and the SDK's doctests; the keys open nothing."""
    assert ucloud.signature(ucloud.flatten(params), Secret(key)) == expected


@pytest.mark.parametrize(
    "params",
    [
        {
            "Action": "ResetCompShareInstancePassword",
            "UHostId": "uhost-test",
            "Password": "TXlOZXdQYXNzd29yZDEyMyE=",
            "ProjectId": "org-test",
        },
        {
            "Action": "DescribeCompShareInstance",
            "UHostIds": ["uhost-test", "uhost-2"],
            "Limit": 20,
            "Offset": 0,
            "WithoutGpu": False,
            "F": 42.0,
        },
    ],
    ids=["reset", "describe"],
)
def test_the_vendors_sdk_signs_alike(params):
    """The SDK, given the same parameters before they are flattened, gives the same signature."""
    theirs = Credential("my_public_key", PRIVATE).verify_ac(encoder.encode({"Region": "cn-wlcb", **params}))
    ours = ucloud.flatten({"Region": "cn-wlcb", **params, **PUBLIC})
    assert ucloud.signature(ours, Secret(PRIVATE)) == theirs


def test_parameters_are_flattened_as_the_sdk_does():
    """Lists and objects get dotted names, numbers have no exponent, and ``None`` is left out."""
    nested = {"A": {"B": 1}, "L": [{"C": "x"}, {"C": None}], "Big": 1e16, "Small": 1e-7, "Yes": True, "No": None}
    numbers = {"Big": "10000000000000000", "Small": "0.0000001"}
    assert ucloud.flatten(nested) == {"A.B": "1", "L.0.C": "x", "Yes": "true", **numbers}
