"""The canary finds a secret in text, logs, warnings, errors, frames, objects and requests."""

from __future__ import annotations

import base64
import logging
import sys
import warnings
from dataclasses import dataclass

import pytest

from rotation.core.document import SecretDocument
from rotation.core.errors import RotationError, SecretDocumentError
from rotation.core.secret import Secret
from rotation_testkit.canary.canary import Canary, listening
from rotation_testkit.doubles.vendor_api.call import Captured

MARK = Secret('Marker-"7/\\+ü&pass')


@dataclass(frozen=True)
class Talkative:
    """An object whose repr shows its value; it poses as one of the product."""

    value: str


Talkative.__module__ = "rotation.core.values"


def guarded():
    """Return a canary for the marker."""
    canary = Canary()
    canary.guard("marker", MARK)
    return canary


@pytest.mark.parametrize("name", ["a", "ab", "abc", "abcd"])
def test_the_canary_finds_a_value_inside_base64(name):
    """A Basic header holds the value at an offset that depends on the name before it."""
    canary = guarded()
    header = base64.b64encode(f"{name}:{MARK.reveal()}:x".encode()).decode()
    canary.text("header", header)
    assert canary.leaks() == ["marker in header"]


@pytest.mark.parametrize(
    "say",
    [
        lambda text: logging.getLogger("any").debug("said %s", text),
        lambda text: logging.getLogger("botocore.endpoint").debug(text),
        lambda text: logging.getLogger("any").info("said", extra={"field": text}),
        print,
        lambda text: print(text, file=sys.stderr),  # noqa: T201 - same
    ],
    ids=["argument", "library", "extra", "stdout", "stderr"],
)
def test_the_canary_hears(say, canary):
    """Each way to write something is heard."""
    canary.guard("marker", MARK)
    say(MARK.reveal())
    assert len(canary.leaks()) == 1
    canary.guarded.clear()


def test_the_canary_hears_warnings():
    """A warning's text is heard."""
    canary = guarded()
    with listening(canary):
        warnings.warn(MARK.reveal(), stacklevel=1)
    assert canary.leaks() == ["marker in warning"]


def test_the_canary_hears_logged_exceptions():
    """The text of an exception that goes into a record is heard."""
    canary = guarded()
    with listening(canary):
        logging.getLogger("any").error("failed", exc_info=ValueError(MARK.reveal()))
    assert canary.leaks() == ["marker in log of any (ERROR)"]


def chained(cause, context, note):
    """Return an error with a cause, a context and a note."""
    error = RuntimeError("plain")
    error.__cause__, error.__context__ = cause, context
    if note:
        error.add_note(note)
    return error


@pytest.mark.parametrize(
    "error",
    [
        ValueError(MARK.reveal()),
        chained(ValueError(MARK.reveal()), None, ""),
        chained(None, ValueError(MARK.reveal()), ""),
        chained(None, None, MARK.reveal()),
        ExceptionGroup("many", [ValueError(MARK.reveal())]),
        RotationError("plain", request_id=MARK.reveal()),
    ],
    ids=["text", "cause", "context", "note", "group", "attribute"],
)
def test_the_canary_looks_into_errors(error):
    """The canary reads text, arguments, attributes, notes, causes, contexts and groups."""
    canary = guarded()
    canary.error(error)
    assert canary.leaks()


def test_the_canary_looks_into_frames():
    """A value in a local of the product's frames is found; the caller's own frames and arguments are left out."""
    text = '{"password": ' + MARK.reveal()
    with pytest.raises(SecretDocumentError) as caught:
        SecretDocument.parse(text)
    canary = guarded()
    canary.error(caught.value)
    assert canary.leaks() == ["marker in local text of rotation.core.document.parse"]


def test_the_canary_looks_at_reachable_objects():
    """An object of ours is found through containers, attributes and closures, and its repr is read."""
    talkative = Talkative(MARK.reveal())

    def closure():
        return talkative

    with pytest.raises(SecretDocumentError) as caught:
        SecretDocument({"key": [closure, {"deeper": talkative}]}).text("missing")
    canary = guarded()
    canary.error(caught.value)
    assert canary.leaks() == ["marker in Talkative under local self of rotation.core.document.text"]


def test_the_canary_looks_at_requests():
    """URL, headers and body are read, except for the parts where the vendor demands the value."""
    raw = MARK.reveal()
    one = Captured("GET", f"http://vendor.example/?p={raw}", (("X-Key", raw), ("Accept", raw)), raw.encode())
    canary = guarded()
    canary.requests([one], lambda _: {"x-key"})
    assert canary.leaks() == ["marker in URL", "marker in body", "marker in header Accept"]
    with pytest.raises(AssertionError) as caught:
        canary.verify()
    assert raw not in str(caught.value)
