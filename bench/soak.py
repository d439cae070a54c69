"""Generate a million passwords for each vendor policy and check each with an independent reading of the vendor's page.

One in ten is generated for an account with a name and a previous password. Prints one JSON line for each
policy; exits 1 when any password is refused. Run: ``python -m bench.soak [NUMBER]``.
"""

from __future__ import annotations

import json
import sys
import time

from rotation.drivers.registry import vendor_policies
from rotation.policy import Context, PasswordPolicy
from rotation_testkit.doubles.vendor_api.second_opinion import second_opinion

USERNAME = "Zhang.San"


def soak(code: str, variant: str, policy: PasswordPolicy, number: int) -> int:
    """Return how many of ``number`` generated passwords the second opinion refuses."""
    refused = 0
    for _ in range(number - number // 10):
        refused += not second_opinion(code, variant, policy.generate().reveal())
    previous = policy.generate()
    for _ in range(number // 10):
        secret = policy.generate(Context(username=USERNAME, previous=previous))
        text, old = secret.reveal(), previous.reveal()
        refused += not second_opinion(code, variant, text, username=USERNAME, previous=old)
        previous = secret
    return refused


def main() -> int:
    """Soak every policy; return the exit code."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    total = 0
    for code, variants in vendor_policies().items():
        for variant, policy in variants.items():
            started = time.perf_counter()
            refused = soak(code, variant, policy, number)
            total += refused
            line = {"policy": f"{code}/{variant}", "generated": number, "refused": refused}
            print(json.dumps({**line, "seconds": round(time.perf_counter() - started, 1)}), flush=True)  # noqa: T201 - the result of the program
    return int(total > 0)


if __name__ == "__main__":
    sys.exit(main())
