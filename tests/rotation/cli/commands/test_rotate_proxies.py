"""``lockstep rotate`` reaches Secrets Manager and the vendor on loopback directly."""

from __future__ import annotations

from typing import Any

from rotation_testkit.doubles.proxy import EavesdroppingProxy
from rotation_testkit.sandbox.sandbox import HUAWEI, Sandbox


def test_a_rotation_from_the_command_line_tells_the_proxy_nothing(
    lockstep: Any, embedded: Sandbox, proxy: EavesdroppingProxy
) -> None:
    """Values of secrets and requests to the vendor go directly to endpoints on loopback."""
    assert lockstep("rotate", "lockstep/huawei_meeting", "--json").code == 0
    assert embedded.stored(HUAWEI) == embedded.live(HUAWEI)
    assert proxy.heard == []
