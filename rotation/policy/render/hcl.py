"""Vault and OpenBao password policies (``sys/policies/password``), as HCL."""

from __future__ import annotations

from rotation.core.errors import PolicyError
from rotation.policy.model import NO_CONTEXT, Context
from rotation.policy.narrowing import narrow
from rotation.policy.policy import PasswordPolicy
from rotation.policy.render.portable import for_account, make_portable
from rotation.policy.render.result import Rendered, account_rules

SHORTEST, LONGEST = 4, 100
# Vault and OpenBao draw whole strings and give up after one second, a few hundred thousand draws.
LEAST_ACCEPTED = 1e-3


def to_hcl(policy: PasswordPolicy, context: Context = NO_CONTEXT) -> Rendered:
    """Return a Vault policy; at most one in a million of its strings is refused by ours.

    Name rules are lost unless ``context`` is the one account that the text is made for.

    Raises:
        PolicyError: HCL cannot express a rule, and no smaller alphabet helps.
    """
    known = for_account(policy, context)
    longest = min(known.length, LONGEST)
    portable = make_portable(narrow(known, length=longest))
    plain = portable.plain
    if longest < SHORTEST:
        raise PolicyError(f"{policy.name}: length: HCL policies have {SHORTEST} or more characters")
    if not portable.good_enough:
        unsaid = ", ".join(portable.offending()) or "these rules together"
        raise PolicyError(
            f"{policy.name}: HCL cannot say {unsaid}: one password in {1 / portable.refused:.0f} would be refused",
            hint="Let Lockstep generate the password instead of a Vault password policy.",
        )
    if plain.acceptance() < LEAST_ACCEPTED:
        raise PolicyError(f"{policy.name}: min_chars: Vault would time out; it draws whole strings until one fits")
    blocks = [f"length = {plain.length}\n"]
    blocks += [
        f'rule "charset" {{\n  charset = "{quote(charset.chars)}"\n  min-chars = {charset.min_chars}\n}}\n'
        for charset in plain.charsets
    ]
    return Rendered("\n".join(blocks), account_rules(known), refused=portable.refused)


def quote(chars: str) -> str:
    """Return characters for an HCL string; ``${`` and ``%{``, which would interpolate, never occur."""
    ordered = "".join(sorted(chars, key=lambda char: (char != "{", chars.index(char))))
    return ordered.replace("\\", "\\\\").replace('"', '\\"')
