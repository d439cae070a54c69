"""Password rules of Tencent Blackstone devices."""

from __future__ import annotations

from collections.abc import Mapping

from rotation.policy.model import AtLeast, Source, Word, charsets
from rotation.policy.narrowing import intersect
from rotation.policy.policy import PasswordPolicy

LETTERS_AS_ONE = (("lower", "upper"), ("digit",), ("special",))


# --- Tencent Blackstone ---
# API 3.0 repeats the rule of 2019 in its ReloadDeviceOs model and has none of its own, so both generations share it.
TENCENT_2018 = PasswordPolicy(
    name="tencent_bm/2018",
    length=16,
    min_length=8,
    max_length=16,
    charsets=charsets("!@#$%&^*()"),
    classes=(AtLeast(2, LETTERS_AS_ONE),),
    sources=(Source("Tencent Cloud, Blackstone v2, ResetDevicePasswd", "2018-12", ("length", "charsets", "classes")),),
)


TENCENT_CHARSETS = charsets("()~!@#$%^&*-+=_{}[]:;'|<>,.?/")


TENCENT_2019 = "Tencent Cloud, Blackstone v2, ResetDevicePasswd; API 3.0 ReloadDeviceOs model (2018-04-23)"


TENCENT_NOTE = "one copy of the page can be read as allowing a backtick too, so none is used"


AT_SIGN = Source(
    "Lockstep's own margin",
    "2026-11",
    ("first_not",),
    note="how the servers read a form value that starts with @ is documented nowhere",
)


TENCENT_LINUX = intersect(
    PasswordPolicy(
        name="tencent_bm/linux/2019",
        length=16,
        min_length=8,
        max_length=16,
        charsets=TENCENT_CHARSETS,
        classes=(AtLeast(2, LETTERS_AS_ONE),),
        first_not="@",
        sources=(
            Source(TENCENT_2019, "2019-06-17", ("length", "charsets", "classes"), note=TENCENT_NOTE),
            AT_SIGN,
        ),
    ),
    TENCENT_2018,
    name="tencent_bm/linux",
)


TENCENT_WINDOWS = intersect(
    PasswordPolicy(
        name="tencent_bm/windows/2019",
        length=16,
        min_length=12,
        max_length=16,
        charsets=TENCENT_CHARSETS,
        classes=(AtLeast(3),),
        words=(Word("administrator"),),
        first_not="@",
        sources=(
            Source(TENCENT_2019, "2019-06-17", ("length", "charsets", "classes", "words"), note=TENCENT_NOTE),
            AT_SIGN,
        ),
    ),
    TENCENT_2018,
    name="tencent_bm/windows",
)

POLICIES: Mapping[str, PasswordPolicy] = {"linux": TENCENT_LINUX, "windows": TENCENT_WINDOWS}
