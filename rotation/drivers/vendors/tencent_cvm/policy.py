"""Password rules of CVM instances.

The page on LoginSettings, for new instances, asks for two classes on Linux; that on resets asks for three.
"""

from functools import partial

from rotation.policy import AtLeast, Name, PasswordPolicy, Source, charsets

_SOURCE = partial(Source, "Tencent Cloud, CVM, ResetInstancesPassword (2017-03-12), parameter Password", "2026-11-30")
_RULE = partial(
    PasswordPolicy,
    length=30,
    max_length=30,
    charsets=charsets("()`~!@#$%^&*-+=_|{}[]:;'<>,.?/"),
    classes=(AtLeast(3),),
    first_not="/",
)

POLICIES = {
    "linux": _RULE(
        name="tencent_cvm/linux",
        min_length=8,
        sources=(_SOURCE(("length", "charsets", "classes", "first_not")),),
    ),
    "windows": _RULE(
        name="tencent_cvm/windows",
        min_length=12,
        names=(Name(backwards=False),),
        sources=(_SOURCE(("length", "charsets", "classes", "first_not", "names")),),
    ),
}
