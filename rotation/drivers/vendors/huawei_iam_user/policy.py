"""Password rules of Huawei Cloud IAM users: the account's own policy narrows them; see ``driver.rules``.

No page lists the special characters that IAM takes; these are the ones that all of the vendor's database pages share.
"""

from rotation.policy import AtLeast, Name, PasswordPolicy, Source, charsets

DEFAULT = PasswordPolicy(
    name="huawei_iam_user/default",
    length=32,
    min_length=6,
    max_length=32,
    charsets=charsets("!@#%^*-_+?,~"),
    classes=(AtLeast(3),),
    names=(Name("username", backwards=True),),
    sources=(
        Source(
            "IAM API Reference, Changing a Password; huaweicloudsdkiam 3.1.219 (UpdateUserOption)",
            "2026-04-22",
            ("length", "classes", "names"),
            note="the vendor wants two of four classes by default and lets an account's own policy ask for more; how "
            "often one character may stand in a row is that policy's alone (0 to 32), which is read, or taken as 1",
        ),
        Source("Lockstep's own margin", "2026-11", ("charsets",)),
    ),
)

POLICIES = {"default": DEFAULT}
