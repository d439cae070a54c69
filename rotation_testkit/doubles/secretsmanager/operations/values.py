"""``GetRandomPassword``."""

from __future__ import annotations

import secrets
import string

from rotation_testkit.doubles.secretsmanager.protocol.errors import invalid_parameter
from rotation_testkit.doubles.secretsmanager.state import Answer, Params, ServiceState

_TYPES = (
    ("ExcludeUppercase", string.ascii_uppercase),
    ("ExcludeLowercase", string.ascii_lowercase),
    ("ExcludeNumbers", string.digits),
    ("ExcludePunctuation", string.punctuation),
)


def get_random_password(_state: ServiceState, params: Params) -> Answer:
    """Draw a password; by default 32 characters with at least one of each included type."""
    banned = set(params.get("ExcludeCharacters", ""))
    types = [
        [character for character in characters if character not in banned]
        for switch, characters in _TYPES
        if not params.get(switch, False)
    ]
    if params.get("IncludeSpace", False) and " " not in banned:
        types.append([" "])
    types = [one for one in types if one]
    alphabet = [character for one in types for character in one]
    length = int(params.get("PasswordLength", 32))
    if not alphabet:
        raise invalid_parameter("The characters that remain are too few to make a password.")
    required = types if params.get("RequireEachIncludedType", True) else []
    if length < len(required):
        raise invalid_parameter("Password length is too short based on the required types.")
    drawn = [secrets.choice(one) for one in required]
    drawn += [secrets.choice(alphabet) for _ in range(length - len(drawn))]
    secrets.SystemRandom().shuffle(drawn)
    return {"RandomPassword": "".join(drawn)}
