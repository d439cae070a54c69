"""The vendors' password rules as data, keyed by driver code and variant.

Sources are the vendors' own documents. Generated length is the longest that every consumer of a vendor takes.
"""

from __future__ import annotations

from collections.abc import Mapping

from rotation.policy.model import DIGITS, LOWER, UPPER, AtLeast, Charset, Name, Source, Word
from rotation.policy.narrow import intersect
from rotation.policy.policy import PasswordPolicy

LOWER_CASE = Charset("lower", LOWER)
UPPER_CASE = Charset("upper", UPPER)
DIGIT = Charset("digit", DIGITS)
LETTERS_AS_ONE = (("lower", "upper"), ("digit",), ("special",))


def _charsets(specials: str) -> tuple[Charset, ...]:
    return (LOWER_CASE, UPPER_CASE, DIGIT, Charset("special", specials))


# --- UCloud CompShare ---
# A container takes 32 characters and a virtual machine 30; which one an instance is may be found out late.
UCLOUD_LENGTH = 30
UCLOUD_CHARSETS = _charsets("()`~!@#$%^&*-+=_|{}[]:;'<>,.?/")
UHOST = "UCloud API documentation, uhost-api/specification.md (UCloudDoc-Team/api cd570df)"

UCLOUD_CONTAINER = PasswordPolicy(
    name="ucloud_compshare/container",
    length=UCLOUD_LENGTH,
    min_length=8,
    max_length=32,
    charsets=UCLOUD_CHARSETS,
    classes=(AtLeast(2),),
    sources=(
        Source(
            "UCloud API documentation, ResetCompShareInstancePassword, parameter Password",
            "undated, read 2026-11",
            ("length", "charsets", "classes"),
        ),
    ),
)
UCLOUD_LINUX = PasswordPolicy(
    name="ucloud_compshare/linux",
    length=UCLOUD_LENGTH,
    min_length=8,
    max_length=30,
    charsets=UCLOUD_CHARSETS,
    classes=(AtLeast(2),),
    sources=(Source(UHOST, "undated, read 2026-11", ("length", "charsets", "classes")),),
)
UCLOUD_WINDOWS = PasswordPolicy(
    name="ucloud_compshare/windows",
    length=UCLOUD_LENGTH,
    min_length=8,
    max_length=30,
    charsets=UCLOUD_CHARSETS,
    classes=(AtLeast(3),),
    words=(Word("administrator", fragment=3), Word("adminstrator", fragment=3)),
    sources=(
        Source(
            UHOST,
            "undated, read 2026-11",
            ("length", "charsets", "classes", "words"),
            note="the page writes 'adminstrator'; fragments of both spellings are refused",
        ),
    ),
)

# --- Tencent Blackstone ---
# API 3.0 repeats the rule of 2019 in its ReloadDeviceOs model and has none of its own, so both generations share it.
TENCENT_2018 = PasswordPolicy(
    name="tencent_bm/2018",
    length=16,
    min_length=8,
    max_length=16,
    charsets=_charsets("!@#$%&^*()"),
    classes=(AtLeast(2, LETTERS_AS_ONE),),
    sources=(Source("Tencent Cloud, Blackstone v2, ResetDevicePasswd", "2018-12", ("length", "charsets", "classes")),),
)
TENCENT_CHARSETS = _charsets("()~!@#$%^&*-+=_{}[]:;'|<>,.?/")
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

# --- Volcengine Cloud Identity ---
VOLCENGINE = PasswordPolicy(
    name="volcengine_cloudidentity/default",
    length=32,
    min_length=8,
    max_length=32,
    charsets=_charsets("!#$%^*()@-_+=?"),
    classes=(AtLeast(3),),
    first_not="@-_+=?",
    sources=(
        Source("Volcengine, Cloud Identity, ResetPassword 2023-01-01", "2025-03-21", ("length", "classes")),
        Source(
            "Lockstep's own margin",
            "2026-11",
            ("charsets", "first_not"),
            note="the page does not say which special characters are allowed; these are the ones vendors share",
        ),
    ),
)

# --- Huawei Cloud Meeting ---
HUAWEI_SPECIALS = "`~!@#$%^&*()-_=+\\|[{}];:,'<.>/?"
HUAWEI_SPANISH = PasswordPolicy(
    name="huawei_meeting/es",
    length=32,
    min_length=8,
    max_length=32,
    charsets=_charsets(HUAWEI_SPECIALS),
    classes=(AtLeast(2),),
    max_repeat=2,
    positions=2,
    new_chars=2,
    min_age_seconds=300,
    sources=(
        Source(
            "Huawei Cloud Meeting, Cambio de contraseña, newPwd (es)",
            "2023-01-31",
            ("length", "charsets", "classes", "max_repeat", "positions", "new_chars", "min_age_seconds"),
            note="'two different characters' is undefined: both readings are kept; the name must only not be equal",
        ),
    ),
)
HUAWEI_CHINESE = PasswordPolicy(
    name="huawei_meeting/zh",
    length=32,
    min_length=8,
    max_length=32,
    charsets=_charsets(HUAWEI_SPECIALS + '"'),
    classes=(AtLeast(2),),
    max_repeat=3,
    names=(Name("username", backwards=True),),
    positions=2,
    new_chars=2,
    min_age_seconds=300,
    sources=(
        Source(
            "Huawei Cloud Meeting, api-meeting (zh) and ModPwdReqDTO of its SDK 3.1.219",
            "undated, read 2026-11",
            ("length", "charsets", "classes", "max_repeat", "names", "positions", "new_chars", "min_age_seconds"),
            note="'3个以上' reads as three or as more than three in a row",
        ),
    ),
)
HUAWEI = intersect(HUAWEI_SPANISH, HUAWEI_CHINESE, name="huawei_meeting/default")

VENDOR_POLICIES: Mapping[str, Mapping[str, PasswordPolicy]] = {
    "ucloud_compshare": {"container": UCLOUD_CONTAINER, "linux": UCLOUD_LINUX, "windows": UCLOUD_WINDOWS},
    "tencent_bm": {"linux": TENCENT_LINUX, "windows": TENCENT_WINDOWS},
    "volcengine_cloudidentity": {"default": VOLCENGINE},
    "huawei_meeting": {"default": HUAWEI},
}
