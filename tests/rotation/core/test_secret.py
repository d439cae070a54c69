"""Facts about ``Secret``: only ``reveal()`` shows the value."""

import copy
import dataclasses
import hmac
import json
import logging
import pickle
import pprint
import traceback
from unittest.mock import Mock, call

import pytest

from rotation.core.secret import Secret

VALUE = "canary-Ä\n7%s{}"
SECRET = Secret(VALUE)


@dataclasses.dataclass(frozen=True)
class _Holder:
    password: Secret


def test_reveal_is_the_way_out():
    """``reveal`` returns the value unchanged."""
    assert SECRET.reveal() == VALUE


@pytest.mark.parametrize(
    "show",
    [
        *(str, repr, ascii, format, pprint.pformat),
        lambda secret: f"{secret}{secret!r}{secret!s}{secret:>40}",
        lambda secret: "{:40} {}".format(secret, secret),  # noqa: UP032 - the older spelling is the point
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - same
        lambda secret: repr(_Holder(secret)),
        lambda secret: repr([secret, {"key": secret}]),
        lambda secret: str(ValueError(secret)),
        lambda secret: repr(dir(secret)),
    ],
)
def test_no_text_made_of_it_holds_the_value(show):
    """Every way to format a secret shows a mask."""
    shown = show(SECRET)
    assert "canary" not in shown
    assert len(shown) > 0


@pytest.mark.parametrize(
    "take",
    [
        *(lambda secret, number=number: pickle.dumps(secret, number) for number in range(pickle.HIGHEST_PROTOCOL + 1)),
        *(copy.copy, copy.deepcopy, json.dumps, vars, list, tuple, iter, len, hash, bytes),
        lambda secret: secret + "",
        lambda secret: "".join([secret]),  # noqa: FLY002 - joining is what must fail
        lambda secret: "c" in secret,
        lambda secret: secret[0],
        lambda secret: dataclasses.asdict(_Holder(secret)),
        lambda secret: copy.deepcopy(_Holder(secret)),
        lambda secret: pickle.dumps(_Holder(secret)),
        lambda secret: json.dumps({"password": secret}),
        lambda secret: secret.__getstate__(),
    ],
)
def test_it_is_neither_copied_nor_serialised_nor_taken_apart(take):
    """Every way to copy, serialise or iterate raises a TypeError that does not show the value."""
    with pytest.raises(TypeError) as caught:
        take(SECRET)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_it_has_no_further_attributes():
    """No attribute can be set on a secret."""
    with pytest.raises(AttributeError):
        SECRET.note = "canary"  # type: ignore[attr-defined]  # the point of the test


def test_logging_shows_a_mask(caplog):
    """A log line shows a mask for arguments and for extra fields."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("password %s %r", SECRET, SECRET, extra={"password": SECRET})
    assert "canary" not in caplog.text
    assert "canary" not in repr(vars(caplog.records[0]))


def test_equality_is_by_value_and_takes_constant_time(monkeypatch):
    """Secrets are compared by ``hmac.compare_digest``."""
    compare = Mock(wraps=hmac.compare_digest)
    monkeypatch.setattr(hmac, "compare_digest", compare)
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert compare.call_args_list == [call(b"a", b"a"), call(b"a", b"b")]


def test_a_secret_never_equals_text():
    """A secret is unequal to its own text, so that a forgotten ``reveal()`` never matches."""
    assert SECRET != VALUE
    assert VALUE != SECRET


def test_a_value_that_utf8_cannot_encode_is_compared_without_an_error():
    """Comparing raises no UnicodeEncodeError, which would hold the whole value."""
    assert Secret("canary\ud800") == Secret("canary\ud800")
    assert Secret("canary\ud800") != Secret("canary")


def test_only_an_empty_secret_is_false():
    """The truth value of a secret says whether it has any text."""
    assert (bool(Secret("")), bool(SECRET)) == (False, True)


@pytest.mark.parametrize("value", [None, b"canary", 7, ["canary"]])
def test_it_holds_text_only(value):
    """A value of another type is refused and not quoted."""
    with pytest.raises(TypeError, match="holds text") as caught:
        Secret(value)  # type: ignore[arg-type]  # the point of the test
    assert "canary" not in str(caught.value)
