"""A policy in words and numbers."""

import json

from rotation.drivers.registry import vendor_policies
from rotation.policy import describe


def test_a_description_is_json_with_exact_numbers():
    """The size is text, since JSON readers round large numbers; every rule has its sources."""
    policy = vendor_policies()["huawei_meeting"]["default"]
    facts = json.loads(json.dumps(describe(policy)))
    assert int(facts["size"]) == policy.size()
    assert facts["entropy_bits"] == 209.25
    assert all(rule["sources"] for rule in facts["rules"])
