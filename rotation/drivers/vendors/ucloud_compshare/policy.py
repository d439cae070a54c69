"""Password rules of CompShare instances."""

from rotation.policy import AtLeast, PasswordPolicy, Source, Word, charsets

# A container takes 32 characters and a virtual machine 30; the kind of an instance may be found out late.
LENGTH = 30
CHARSETS = charsets("()`~!@#$%^&*-+=_|{}[]:;'<>,.?/")
UHOST = "UCloud API documentation, uhost-api/specification.md (UCloudDoc-Team/api cd570df)"

CONTAINER = PasswordPolicy(
    name="ucloud_compshare/container",
    length=LENGTH,
    min_length=8,
    max_length=32,
    charsets=CHARSETS,
    classes=(AtLeast(2),),
    sources=(
        Source(
            "UCloud API documentation, ResetCompShareInstancePassword, parameter Password",
            "undated, read 2026-11",
            ("length", "charsets", "classes"),
        ),
    ),
)

LINUX = PasswordPolicy(
    name="ucloud_compshare/linux",
    length=LENGTH,
    min_length=8,
    max_length=30,
    charsets=CHARSETS,
    classes=(AtLeast(2),),
    sources=(Source(UHOST, "undated, read 2026-11", ("length", "charsets", "classes")),),
)

WINDOWS = PasswordPolicy(
    name="ucloud_compshare/windows",
    length=LENGTH,
    min_length=8,
    max_length=30,
    charsets=CHARSETS,
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

POLICIES = {"container": CONTAINER, "linux": LINUX, "windows": WINDOWS}
