"""Password rules of UCloud's virtual machines."""

from collections.abc import Mapping

from rotation.policy import AtLeast, PasswordPolicy, Source, Word, charsets

LENGTH = 30
CHARSETS = charsets("()`~!@#$%^&*-+=_|{}[]:;'<>,.?/")
_PAGE = "UCloud API documentation, uhost-api/specification.md (UCloudDoc-Team/api cd570df)"
_DATE = "undated, read 2026-11"


def policies(code: str) -> Mapping[str, PasswordPolicy]:
    """Return the rules for Linux and Windows machines, named after a driver."""
    return {
        "linux": PasswordPolicy(
            name=f"{code}/linux",
            length=LENGTH,
            min_length=8,
            max_length=30,
            charsets=CHARSETS,
            classes=(AtLeast(2),),
            sources=(Source(_PAGE, _DATE, ("length", "charsets", "classes")),),
        ),
        "windows": PasswordPolicy(
            name=f"{code}/windows",
            length=LENGTH,
            min_length=8,
            max_length=30,
            charsets=CHARSETS,
            classes=(AtLeast(3),),
            words=(Word("administrator", fragment=3), Word("adminstrator", fragment=3)),
            sources=(
                Source(
                    _PAGE,
                    _DATE,
                    ("length", "charsets", "classes", "words"),
                    note="the page writes 'adminstrator'; fragments of both spellings are refused",
                ),
            ),
        ),
    }
