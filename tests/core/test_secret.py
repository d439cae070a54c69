"""Facts about ``Secret``: nothing but ``reveal()`` gives the value away."""

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
    """The value comes back unchanged."""
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
    """Every way to make text of it shows a mask."""
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
    """The attempt is a TypeError that does not show the value."""
    with pytest.raises(TypeError) as caught:
        take(SECRET)
    assert "canary" not in "".join(traceback.format_exception(caught.value))


def test_it_has_no_further_attributes() -> None:
    """Slots keep values from being hung on it."""
    with pytest.raises(AttributeError):
        SECRET.note = "canary"  # type: ignore[attr-defined]  # the point of the test


def test_logging_shows_a_mask(caplog: pytest.LogCaptureFixture) -> None:
    """As an argument and as an extra field."""
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("password %s %r", SECRET, SECRET, extra={"password": SECRET})
    assert "canary" not in caplog.text
    assert "canary" not in repr(vars(caplog.records[0]))


def test_equality_is_by_value_and_takes_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is left to ``hmac.compare_digest``."""
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
    """A forgotten ``reveal()`` shows as inequality, not as a match."""
    assert SECRET != VALUE
    assert VALUE != SECRET


def test_a_value_that_utf8_cannot_encode_is_compared_without_an_error() -> None:
    """A UnicodeEncodeError would carry the whole value."""
    assert Secret("canary\ud800") == Secret("canary\ud800")
    assert Secret("canary\ud800") != Secret("canary")


def test_only_an_empty_one_is_false() -> None:
    """So that ``if secret`` asks whether there is any."""
    assert not Secret("")
    assert SECRET


@pytest.mark.parametrize("value", [None, b"canary", 7, ["canary"]])
def test_it_holds_text_only(value: object) -> None:
    """Anything else is refused without being shown."""
    with pytest.raises(TypeError, match="holds text") as caught:
        Secret(value)  # type: ignore[arg-type]  # the point of the test
    assert "canary" not in str(caught.value)
