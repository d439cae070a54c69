"""Password rules of Huawei Cloud RDS accounts: what the vendor's editions all accept.

The editions differ in the special characters: ``$`` is in those of 2025-08 and 2026-01 alone, ``=`` is missing in that
of 2025-08. A rule of one call (root's or another account's) is kept for both, so that one policy serves an engine.
"""

from rotation.policy import AtLeast, Name, PasswordPolicy, Source, charsets, intersect

MYSQL_2025 = PasswordPolicy(
    name="huawei_rds/mysql/2025",
    length=32,
    min_length=8,
    max_length=32,
    charsets=charsets("~!@#$%^*-_+?,"),
    classes=(AtLeast(3),),
    names=(Name("username", backwards=True),),
    sources=(
        Source(
            "Huawei Cloud RDS, Configuring a Password for a Database Account (rds_08_0034)",
            "2025-08-20",
            ("length", "charsets", "classes", "names"),
            note="the password must only differ from the name and its reverse; PostgreSQL's page says 'not contain'",
        ),
    ),
)

POSTGRESQL_2025 = PasswordPolicy(
    name="huawei_rds/postgresql/2025",
    length=32,
    min_length=8,
    max_length=32,
    charsets=charsets("~!@#%^*-_=+?,"),
    classes=(AtLeast(3),),
    names=(Name("username", backwards=True),),
    sources=(
        Source(
            "Huawei Cloud RDS, SetPostgresqlDbUserPwd (rds_11_0001, zh) and ResetPwd (rds_05_0011)",
            "2025-12-02",
            ("length", "charsets", "classes", "names"),
        ),
    ),
)

POLICIES = {
    "mysql": intersect(MYSQL_2025, POSTGRESQL_2025, name="huawei_rds/mysql"),
    "postgresql": intersect(POSTGRESQL_2025, MYSQL_2025, name="huawei_rds/postgresql"),
}
