"""A request that arrives twice, at a vendor that takes the first copy and refuses the second (W23)."""

import pytest

from rotation.core.errors import PasswordRejected
from rotation.core.secret import Secret
from rotation.core.values import Authority
from rotation_testkit.fault_lab.in_memory.batch_scenario import POLICY
from rotation_testkit.fault_lab.in_memory.scenario import Scenario, VirtualClock
from rotation_testkit.fault_lab.in_memory.vendor import MemoryVendor


class Twice(MemoryVendor):
    """A vendor at which the first request arrives twice, and which refuses a password that is live already."""

    __slots__ = ()

    def change(self, new, old):
        """The answer that comes back is that of the second copy."""
        if self.resets == 0:
            super().change(new, old)
        if new == self.live:
            raise PasswordRejected("the password must differ from the current one")
        return super().change(new, old)


@pytest.mark.parametrize("authority", list(Authority))
def test_a_candidate_that_was_taken_the_first_time_is_not_released_for_the_second(authority):
    """The refusal is of the copy; a login finds out, and the rotation goes on with what is live."""
    clock = VirtualClock()
    vendor = Twice(now=clock.now, initial=Secret("Old0Password0Old0Pas"), policy=POLICY, authority=authority)
    scenario = Scenario(vendor, clock)

    assert scenario.rotate(scenario.begin()) == []

    assert scenario.password() == vendor.live != Secret("Old0Password0Old0Pas")
    assert (vendor.resets, vendor.wrong_logins) == (1, 0)
