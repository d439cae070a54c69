"""Facts about ``Secret``: only ``reveal()`` shows the value."""

from __future__ import annotations

import copy
import dataclasses
import hmac
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable

import pytest

from rotation.core.secret import Secret

VALUE = "canary-Ä\n7%s{}"
SECRET = Secret(VALUE)


@dataclasses.dataclass(frozen=True)
class _Holder:
    password: Secret


def test_reveal_is_the_way_out() -> None:
    """``reveal`` returns the value unchanged."""
    assert SECRET.reveal() == VALUE


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        ascii,
        format,
        pprint.pformat,
        lambda secret: f"{secret}{secret!r}{secret!s}{secret:>40}",
        lambda secret: "{:40} {}".format(secret, secret),  # noqa: UP032 - the older spelling is the point
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - same
        lambda secret: repr(_Holder(secret)),
        lambda secret: repr([secret, {"key": secret}]),
        lambda secret: str(ValueError(secret)),
        lambda secret: repr(dir(secret)),
    ],
)
def test_no_text_made_of_it_holds_the_value(show: Callable[[Secret], str]) -> None:
    """Every way to format a secret shows a mask."""
    shown = show(SECRET)
    assert "canary" not in shown
    assert len(shown) > 0


@pytest.mark.parametrize(
    "take",
    [
        *(lambda secret, number=number: pickle.dumps(secret, number) for number in range(pickle.HIGHEST_PROTOCOL + 1)),
        copy.copy,
        copy.deepcopy,
        json.dumps,
        vars,
        list,
        tuple,
        iter,
        len,
        hash,
        bytes,
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
def test_it_is_neither_copied_nor_serialised_nor_taken_apart(take: Callable[[Secret], object]) -> None:
    """Every way to copy, serialise or iterate raises a TypeError that does not show the value."""
    with pytest.raises(TypeError) as caught:
        take(SECRET)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_it_has_no_further_attributes() -> None:
    """No attribute can be set on a secret."""
    with pytest.raises(AttributeError):
        SECRET.note = "canary"  # type: ignore[attr-defined]  # the point of the test


def test_logging_shows_a_mask(caplog: pytest.LogCaptureFixture) -> None:
    """A log line shows a mask for arguments and for extra fields."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("password %s %r", SECRET, SECRET, extra={"password": SECRET})
    assert "canary" not in caplog.text
    assert "canary" not in repr(vars(caplog.records[0]))


def test_equality_is_by_value_and_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets are compared by ``hmac.compare_digest``."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def watched(left: bytes, right: bytes) -> bool:
        compared.append((left, right))
        return real(left, right)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert compared == [(b"a", b"a"), (b"a", b"b")]


def test_it_never_equals_text() -> None:
    """A secret is unequal to its own text, so that a forgotten ``reveal()`` never matches."""
    assert SECRET != VALUE
    assert VALUE != SECRET


def test_a_value_that_utf8_cannot_encode_is_compared_without_an_error() -> None:
    """Comparing raises no UnicodeEncodeError, which would hold the whole value."""
    assert Secret("canary\ud800") == Secret("canary\ud800")
    assert Secret("canary\ud800") != Secret("canary")


def test_only_an_empty_one_is_false() -> None:
    """The truth value of a secret says whether it has any text."""
    assert not Secret("")
    assert SECRET


@pytest.mark.parametrize("value", [None, b"canary", 7, ["canary"]])
def test_it_holds_text_only(value: object) -> None:
    """A value of another type is refused and not quoted."""
    with pytest.raises(TypeError, match="holds text") as caught:
        Secret(value)  # type: ignore[arg-type]  # the point of the test
    assert "canary" not in str(caught.value)
