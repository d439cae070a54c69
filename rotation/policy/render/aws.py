"""Arguments of AWS Secrets Manager's ``GetRandomPassword``."""

from __future__ import annotations

import json
from dataclasses import replace

from rotation.policy.description import rule_texts
from rotation.policy.model import DIGITS, LOWER, NO_CONTEXT, UPPER, AtLeast, Charset, Context
from rotation.policy.policy import PasswordPolicy
from rotation.policy.render.portable import for_account, make_portable
from rotation.policy.render.result import Rendered, account_rules

# The service's own classes (API reference, GetRandomPassword; read 2026-11).
TYPES = {
    "ExcludeLowercase": LOWER,
    "ExcludeUppercase": UPPER,
    "ExcludeNumbers": DIGITS,
    "ExcludePunctuation": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
}


def to_get_random_password(policy: PasswordPolicy, context: Context = NO_CONTEXT) -> Rendered:
    """Return the arguments that come nearest to the policy, and what they cannot express.

    ``refused`` is exact for a service that draws uniformly; AWS does not publish how it draws.
    """
    known = for_account(policy, context)
    portable = make_portable(known)
    alphabet = set(portable.plain.alphabet)
    left = {flag: "".join(char for char in chars if char in alphabet) for flag, chars in TYPES.items()}
    arguments: dict[str, object] = {
        "PasswordLength": policy.length,
        "IncludeSpace": " " in alphabet,
        "RequireEachIncludedType": True,
        "ExcludeCharacters": "".join(
            char for flag, chars in TYPES.items() for char in chars if left[flag] and char not in alphabet
        ),
        **{flag: not chars for flag, chars in left.items()},
    }
    lost = [f"{rule}: {text}" for rule, text in rule_texts(portable.policy) if rule in ("max_repeat", "words")]
    lost += [
        f"min_chars: {charset.min_chars} of {charset.name}" for charset in policy.charsets if charset.min_chars > 1
    ]
    lost.append("uniformity: the service does not say how it draws")
    made = tuple(Charset(flag, chars, 1) for flag, chars in left.items() if chars)
    space = (Charset("IncludeSpace", " "),) if " " in alphabet else ()
    service = replace(portable.plain, charsets=(*made, *space))
    named = tuple(AtLeast(rule.count, policy.groups(rule)) for rule in policy.classes)
    both = replace(portable.policy, classes=named, charsets=(*portable.policy.charsets, *service.charsets))
    share = (service.size() - both.size()) / service.size()
    return Rendered(json.dumps(arguments, indent=2), (*lost, *account_rules(known)), arguments, share)
