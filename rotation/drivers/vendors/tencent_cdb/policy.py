"""Password rule of accounts of TencentDB for MySQL."""

from rotation.policy import AtLeast, PasswordPolicy, Source, charsets

POLICIES = {
    "mysql": PasswordPolicy(
        name="tencent_cdb/mysql",
        length=32,  # old clients of MySQL take no more
        min_length=8,
        max_length=64,
        charsets=charsets("_+-&=!@#$%^*()"),
        classes=(AtLeast(2, (("lower", "upper"), ("digit",), ("special",))),),
        sources=(
            Source(
                "TencentDB for MySQL, ModifyAccountPassword (2017-03-20), parameter NewPassword",
                "2026-11-30",
                ("length", "charsets", "classes"),
                note="the page says letters, so both cases count as one class",
            ),
        ),
    )
}
