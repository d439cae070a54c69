"""The codes that a vendor documents, by what a rotation may make of them: a product's own, and those of its families.

They stand in ``codes.toml`` of a product's tests. ``extends`` there names families, whose codes stand in
``families/<family>.toml``. What a product says of a code counts, whatever its families say of it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = ("RETRY", "WAIT", "PRECOND", "PERM", "AUTH", "AMBIG")


def documented_codes(tests: Path, code: str) -> Mapping[str, Any]:
    """Return what a product's file says, with its families' codes in it.

    Args:
        tests: the folder of the drivers' tests.
        code: the driver's code.
    """
    found: dict[str, Any] = tomllib.loads((tests / "vendors" / code / "codes.toml").read_text())
    own = set(named(found))
    for family in found.pop("extends", ()):
        shared = tomllib.loads((tests / "families" / f"{family}.toml").read_text())
        for key in (*KINDS, "refused", "locked"):
            found[key] = [*found.get(key, ()), *(each for each in shared.get(key, ()) if each not in own)]
        for key in ("instead", "read"):
            theirs = {each: said for each, said in shared.get(key, {}).items() if each not in own}
            found[key] = theirs | found.get(key, {})
    return found


def named(facts: Mapping[str, Any]) -> list[str]:
    """Return every code that has a class."""
    return [code for kind in KINDS for code in facts.get(kind, ())]
