"""A second reading of what Alibaba says about the passwords of RDS accounts."""

from __future__ import annotations

import re

from rotation_testkit.doubles.vendor_api.second_opinion import Opinion, kinds

_CHARACTERS = re.compile(r"[A-Za-z0-9!@#$&%^*()_+=-]*")


def account(text: str, username: str, previous: str) -> bool:
    """8 to 32 characters, at least three types of upper case, lower case, digits and special ones: ! @ # $ & % ^ …."""
    del username, previous
    return 8 <= len(text) <= 32 and kinds(text) >= 3 and _CHARACTERS.fullmatch(text) is not None


SECOND_OPINIONS: dict[str, Opinion] = {"mysql": account, "postgresql": account}
