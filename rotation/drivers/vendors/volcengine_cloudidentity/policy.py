"""Password rules of Volcengine Cloud Identity users."""

from rotation.policy import AtLeast, PasswordPolicy, Source, charsets

DEFAULT = PasswordPolicy(
    name="volcengine_cloudidentity/default",
    length=32,
    min_length=8,
    max_length=32,
    charsets=charsets("!#$%^*()@-_+=?"),
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

POLICIES = {"default": DEFAULT}
