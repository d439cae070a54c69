"""Password rules of Tencent Blackstone devices: what the pages of 2018 and 2019 both accept.

API 3.0 repeats the rule of 2019 in its ReloadDeviceOs model and has none of its own, so both generations share it.
"""

from functools import partial

from rotation.policy import AtLeast, PasswordPolicy, Source, Word, charsets, intersect

LETTERS_AS_ONE = AtLeast(2, (("lower", "upper"), ("digit",), ("special",)))

EDITION_2018 = PasswordPolicy(
    name="tencent_bm/2018",
    length=16,
    min_length=8,
    max_length=16,
    charsets=charsets("!@#$%&^*()"),
    classes=(LETTERS_AS_ONE,),
    sources=(Source("Tencent Cloud, Blackstone v2, ResetDevicePasswd", "2018-12", ("length", "charsets", "classes")),),
)

PAGE_2019 = partial(
    Source,
    "Tencent Cloud, Blackstone v2, ResetDevicePasswd; API 3.0 ReloadDeviceOs model (2018-04-23)",
    "2019-06-17",
    note="one copy of the page can be read as allowing a backtick too, so none is used",
)
AT_SIGN = Source(
    "Lockstep's own margin",
    "2026-11",
    ("first_not",),
    note="how the servers read a form value that starts with @ is documented nowhere",
)
EDITION_2019 = partial(
    PasswordPolicy, length=16, max_length=16, charsets=charsets("()~!@#$%^&*-+=_{}[]:;'|<>,.?/"), first_not="@"
)

LINUX = EDITION_2019(
    name="tencent_bm/linux/2019",
    min_length=8,
    classes=(LETTERS_AS_ONE,),
    sources=(PAGE_2019(("length", "charsets", "classes")), AT_SIGN),
)

WINDOWS = EDITION_2019(
    name="tencent_bm/windows/2019",
    min_length=12,
    classes=(AtLeast(3),),
    words=(Word("administrator"),),
    sources=(PAGE_2019(("length", "charsets", "classes", "words")), AT_SIGN),
)

POLICIES = {
    "linux": intersect(LINUX, EDITION_2018, name="tencent_bm/linux"),
    "windows": intersect(WINDOWS, EDITION_2018, name="tencent_bm/windows"),
}
