"""Arguments of ``GetRandomPassword``."""

import json

import botocore.session
from botocore.validate import ParamValidator

from rotation.drivers.registry import vendor_policies
from rotation.policy import Charset, PasswordPolicy
from rotation.policy.model import DIGITS, LOWER
from rotation.policy.render import to_get_random_password

VENDOR_POLICIES = vendor_policies()


def test_get_random_password_arguments():
    """The arguments give the service the narrowed alphabet, and ``lost`` names what they cannot express."""
    rendered = to_get_random_password(VENDOR_POLICIES["huawei_meeting"]["default"])
    assert rendered.data["PasswordLength"] == 32
    assert rendered.data["ExcludeCharacters"] == '"'
    assert rendered.data["RequireEachIncludedType"] is True
    assert json.loads(rendered.text) == rendered.data
    lost = " ".join(rendered.lost)
    assert all(rule in lost for rule in ("max_repeat", "names", "positions", "uniformity", "min_age_seconds"))
    assert 0.003 < rendered.refused < 0.004


def test_get_random_password_leaves_out_whole_types():
    """A class that the policy lacks is excluded by its flag, not character by character."""
    policy = PasswordPolicy(
        length=20, charsets=(Charset("lower", LOWER), Charset("digit", DIGITS, 2), Charset("space", " "))
    )
    rendered = to_get_random_password(policy)
    assert rendered.data["ExcludeUppercase"] is True
    assert rendered.data["ExcludePunctuation"] is True
    assert rendered.data["ExcludeNumbers"] is False
    assert rendered.data["IncludeSpace"] is True
    assert rendered.data["ExcludeCharacters"] == ""
    assert any("2 of digit" in loss for loss in rendered.lost)
    assert rendered.refused > 0


def test_get_random_password_is_known_to_the_service():
    """Every argument exists in the service's own model and fits its types."""
    model = botocore.session.get_session().get_service_model("secretsmanager")
    shape = model.operation_model("GetRandomPassword").input_shape
    for variants in VENDOR_POLICIES.values():
        for policy in variants.values():
            report = ParamValidator().validate(dict(to_get_random_password(policy).data), shape)
            assert not report.has_errors(), report.generate_report()
