"""Facts about the error tree: the drawn tree of the package pins what callers decide by, so that a change shows."""

import re

import pytest

from rotation.core import errors
from rotation.core.errors import InternalError, Parked, RotationError, SettingsError, VendorUnavailable, Withheld
from rotation.core.secret import Secret

LINE = re.compile(r"    (?P<indent>(?:    )*)(?P<name>\w+)(?: +(?P<flags>[a-z, ]+))?")
NAMES = [name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)]
# General classes, and one whose next step only the raiser knows.
NEED_A_HINT_OF_THEIR_OWN = {"RotationError", "DriverError", "Parked"}


def _class(name):
    found = getattr(errors, name)
    assert issubclass(found, RotationError)
    return found


def _made(cls):
    if issubclass(cls, SettingsError):
        return cls("environment", ("a is missing", "b is missing"))
    if issubclass(cls, Parked):
        return cls("parked: too soon", reason="too_soon", not_before=7.0)
    return cls("one sentence")


def _drawn():
    """Return the parent and the flags of each class in the drawn tree."""
    drawn, path = {}, ["Exception"]
    for match in filter(None, map(LINE.fullmatch, (errors.__doc__ or "").splitlines())):
        path[len(match["indent"]) // 4 + 1 :] = [match["name"]]
        drawn[match["name"]] = (path[-2], set((match["flags"] or "").split(", ")) - {""})
    return drawn


def test_the_drawn_tree_is_the_tree_of_the_classes():
    """Each class stands below its base, with the flags that say whether to call again and to release a candidate."""
    bases = {name: _class(name).__bases__[0].__name__ for name in NAMES}
    flags = {"retryable": lambda cls: cls.retryable, "indefinite": lambda cls: not cls.definite}
    found = {name: (bases[name], {flag for flag, holds in flags.items() if holds(_class(name))}) for name in NAMES}
    assert _drawn() == found


def test_every_error_class_of_the_product_is_in_the_tree():
    """Only the command line and the kit have classes of their own."""
    found, waiting = set(), [RotationError]
    while waiting:
        cls = waiting.pop()
        if cls.__module__.startswith("rotation.") and not cls.__module__.startswith("rotation.cli"):
            found.add(cls.__name__)
        waiting.extend(cls.__subclasses__())
    assert found == set(NAMES)


def test_codes_are_unique_and_follow_the_class_name():
    """Alarms and readers of ``--json`` compare codes, so that a code never changes while its class is there."""
    codes = [_class(name).code for name in NAMES]
    assert len(set(codes)) == len(codes)
    assert codes == [re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_each_class_has_a_hint_or_takes_one(name):
    """A hint is a sentence; three classes get theirs where they are raised."""
    error = _made(_class(name))
    assert bool(error.hint) is (name not in NEED_A_HINT_OF_THEIR_OWN)
    assert error.hint == "" or error.hint.endswith(".")


def test_certainty_is_stated_and_never_assumed():
    """``unsent`` is false unless the raiser knows better, and ``definite`` can be changed for one error alone."""
    assert not VendorUnavailable("x").unsent
    assert VendorUnavailable("x", unsent=True).unsent
    lost = errors.CannotVerify("x")
    lost.definite = False
    assert errors.CannotVerify("y").definite


@pytest.mark.parametrize("name", NAMES)
def test_the_short_description_names_what_is_known_and_nothing_else(name):
    """``describe`` has stable keys, leaves empty ones out, and gives the text of ``str()`` as message."""
    error = _made(_class(name))
    fields = error.describe()
    assert (fields["code"], fields["retryable"]) == (error.code, error.retryable)
    assert fields["message"] == str(error) == error.message
    assert ("vendor_code" in fields, "hint" in fields) == (False, bool(error.hint))


def test_a_full_description_has_these_fields():
    """``describe`` names the fields of the log's format, and a parking's reason tells a lock from a spent budget."""
    error = VendorUnavailable("busy", hint="wait", vendor_code="503", request_id="r-1", not_before=0.0)
    texts = {"code": "vendor_unavailable", "message": "busy", "hint": "wait"}
    vendors = {"vendor_code": "503", "vendor_request_id": "r-1"}
    assert error.describe() == {**texts, **vendors, "retryable": True, "not_before": 0.0}
    parked = _made(Parked).describe()
    assert (parked["reason"], parked["not_before"]) == ("too_soon", 7.0)


def test_messages_say_the_code_once_and_list_every_fault():
    """A message that begins with the code is the headline alone; all faults stand in the message and in ``faults``."""
    assert VendorUnavailable("busy").headline == "vendor_unavailable: busy"
    assert _made(Parked).headline == "parked: too soon"
    error = SettingsError("secret", ("a is missing", "b must be text"))
    assert str(error) == "secret: a is missing; b must be text"
    assert error.faults == ("a is missing", "b must be text")


def test_an_empty_hint_of_its_own_replaces_the_class_hint():
    """The class's hint is used only if none is given, and an empty one counts as given."""
    assert errors.TooSoon("x", hint="").hint == ""
    assert errors.TooSoon("x").hint == errors.TooSoon.default_hint


def test_a_changed_error_is_a_copy():
    """The original keeps its texts; the copy keeps all else but cause, notes and traceback."""
    original = Parked("parked: too soon", reason="too_soon", not_before=7.0, hint="Wait.")
    original.add_note("a note")
    try:
        raise original from ValueError("canary")
    except Parked as caught:
        copy = caught.prefixed("device 1").with_hint("Look.")
    assert (str(original), original.hint) == ("parked: too soon", "Wait.")
    assert (str(copy), copy.hint, copy.reason) == ("device 1: parked: too soon", "Look.", "too_soon")
    assert (copy.not_before, getattr(copy, "__notes__", [])) == (7.0, [])
    assert (copy.__cause__, copy.__context__, copy.__traceback__) == (None, None, None)


def test_a_scrubbed_error_shows_no_secret():
    """Message, hint, vendor code and request id are masked in the copy, and the original is unchanged."""
    original = RotationError("old canary", hint="canary", vendor_code="canary", request_id="Y2FuYXJ5")
    copy = original.scrubbed((Secret("canary"),))
    assert [str(copy), copy.hint, copy.vendor_code, copy.request_id] == ["old [secret]", *["[secret]"] * 3]
    assert original.hint == "canary"


def test_a_foreign_error_is_withheld():
    """The error that replaces a foreign one has neither cause nor context; exceptions of other kinds pass unchanged."""
    with pytest.raises(InternalError) as caught, Withheld(ValueError, by=InternalError.of):
        raise ValueError("canary")
    assert str(caught.value) == "ValueError inside Lockstep"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    with pytest.raises(KeyError), Withheld(ValueError, by=InternalError.of):
        raise KeyError("passes")
