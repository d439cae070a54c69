"""Password rules of CompShare instances."""

from __future__ import annotations

from collections.abc import Mapping

from rotation.policy.model import AtLeast, Source, Word, charsets
from rotation.policy.policy import PasswordPolicy

# --- UCloud CompShare ---
# A container takes 32 characters and a virtual machine 30; which one an instance is may be found out late.
UCLOUD_LENGTH = 30


UCLOUD_CHARSETS = charsets("()`~!@#$%^&*-+=_|{}[]:;'<>,.?/")


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

POLICIES: Mapping[str, PasswordPolicy] = {
    "container": UCLOUD_CONTAINER,
    "linux": UCLOUD_LINUX,
    "windows": UCLOUD_WINDOWS,
}
