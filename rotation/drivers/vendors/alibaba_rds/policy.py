"""Password rules of ApsaraDB RDS accounts; the vendor has one for all engines."""

from dataclasses import replace

from rotation.policy import AtLeast, PasswordPolicy, Source, charsets

MYSQL = PasswordPolicy(
    name="alibaba_rds/mysql",
    length=32,
    min_length=8,
    max_length=32,
    charsets=charsets("!@#$&%^*()_+-="),
    classes=(AtLeast(3),),
    sources=(
        Source(
            "Alibaba Cloud ApsaraDB RDS, ResetAccountPassword 2014-08-15, AccountPassword",
            "2025-11-17",
            ("length", "charsets", "classes"),
            note="the same for every engine; an instance's own password policy may be stricter",
        ),
    ),
)

POLICIES = {"mysql": MYSQL, "postgresql": replace(MYSQL, name="alibaba_rds/postgresql")}
