"""Password rules of Huawei Cloud Meeting accounts: what two editions of the documentation both accept."""

from rotation.policy import AtLeast, Name, PasswordPolicy, Source, charsets, intersect

SPECIALS = "`~!@#$%^&*()-_=+\\|[{}];:,'<.>/?"

SPANISH = PasswordPolicy(
    name="huawei_meeting/es",
    length=32,
    min_length=8,
    max_length=32,
    charsets=charsets(SPECIALS),
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

CHINESE = PasswordPolicy(
    name="huawei_meeting/zh",
    length=32,
    min_length=8,
    max_length=32,
    charsets=charsets(SPECIALS + '"'),
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

POLICIES = {"default": intersect(SPANISH, CHINESE, name="huawei_meeting/default")}
