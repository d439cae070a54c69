"""Facts about declared settings: an error lists all faults and quotes no value."""

import traceback
from dataclasses import dataclass, field, make_dataclass

import pytest

from rotation.core.errors import ConfigError, SettingsError
from rotation.core.secret import Secret
from rotation.core.settings import base_url, checked_path, load, matches, one_of, path_problem, setting, table


@dataclass(frozen=True, slots=True, kw_only=True)
class _Example:
    region: str = setting("Where.", check=one_of("eu", "us"))
    key: Secret = setting("API key.", check=matches(r"[a-z-]{3,40}", "must be 3 to 40 lower-case letters or hyphens"))  # noqa: RUF009 - declares a field
    tries: int = setting("How often.", default=3)
    strict: bool = setting("Whether.", default=True)


GOOD: dict[str, object] = {"region": "eu", "key": "good"}


def _faults(values, *, ignore_unknown=False):
    with pytest.raises(SettingsError) as caught:
        load(_Example, values, where="secret", ignore_unknown=ignore_unknown)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.describe())
    assert "canary" not in shown
    assert caught.value.__context__ is None
    return caught.value.faults


def test_defaults_fill_what_is_left_out():
    """A field with a default need not be given, and a value that is a ``Secret`` already is kept."""
    for key in ("good", Secret("good")):
        loaded = load(_Example, {**GOOD, "key": key}, where="secret")
        assert (loaded.region, loaded.key, loaded.tries, loaded.strict) == ("eu", Secret("good"), 3, True)


def test_every_fault_is_reported_at_once():
    """One error names the source, and each key that is missing, malformed, against a rule or unknown."""
    with pytest.raises(SettingsError, match=r"^secret: ") as caught:
        load(_Example, {"key": "CANARY", "tries": "canary", "strict": 1, "extra": "canary"}, where="secret")
    assert caught.value.faults == (
        "region is missing (Where.)",
        "key must be 3 to 40 lower-case letters or hyphens",
        "tries must be a whole number",
        "strict must be true or false",
        "'extra' is no known setting",
    )


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("region", [7, "canary", None, [], {"canary": 1}, "", b"eu"]),
        ("key", ["", None, 7, ["canary"], b"canary", "canary-" * 10]),
    ],
)
def test_a_value_against_the_rule_is_not_quoted(key, values):
    """The one fault names the rule, for a wrong type too, and whether or not the setting is a secret."""
    for value in values:
        assert len(_faults({**GOOD, key: value})) == 1


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        *(("tries", text, int(text)) for text in ("0", "-7", "007", "9" * 18)),
        ("tries", 12, 12),
        *(("strict", text, text.lower() == "true") for text in ("true", "FALSE")),
        ("strict", True, True),
        ("strict", False, False),
    ],
)
def test_integers_and_booleans_are_read_from_text(key, text, value):
    """A number or a truth value may be given as text, as in an environment variable."""
    assert getattr(load(_Example, {**GOOD, key: text}, where="environment"), key) == value


WRONG_NUMBERS = ["", "1.0", "1e3", " 1", "1\n", "+1", "٣", "9" * 19, 1.0, True, None, "0x1", "1_0"]
WRONG_SWITCHES = ["", "yes", "1", 1, 0, None, "true ", []]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        *(({"tries": value}, "tries must be a whole number") for value in WRONG_NUMBERS),
        *(({"strict": value}, "strict must be true or false") for value in WRONG_SWITCHES),
    ],
)
def test_nothing_else_is_a_whole_number_or_a_boolean(values, fault):
    """Forms that Python's ``int`` accepts, such as ``1_0``, are refused; a typing error never counts as false."""
    assert _faults(GOOD | values) == (fault,)


def test_unknown_keys_may_be_ignored():
    """Unknown keys can be accepted, since a rotated secret may have keys for other readers."""
    assert load(_Example, {**GOOD, "extra": "x"}, where="secret", ignore_unknown=True).region == "eu"
    assert _faults({"extra": "canary"}, ignore_unknown=True) == (
        "region is missing (Where.)",
        "key is missing (API key.)",
    )


def test_a_field_of_another_type_is_the_programmers_mistake():
    """A field of an unsupported type raises a TypeError, even ``Secret | None``, which must not become plain text."""

    @dataclass(frozen=True)
    class _Wrong:
        key: Secret | None = setting("API key.", default=None)  # noqa: RUF009 - declares a field

    with pytest.raises(TypeError, match="str, int, bool or Secret"):
        load(_Wrong, {"key": "canary"}, where="secret")


def test_the_table_for_the_docs_lists_every_field():
    """Each row has name, type and help text, says whether the setting is required, and shows no default."""
    assert table(_Example)[1:3] == [
        {"name": "key", "type": "Secret", "help": "API key.", "required": True},
        {"name": "tries", "type": "int", "help": "How often.", "required": False},
    ]
    assert [row["name"] for row in table(_Example)] == ["region", "key", "tries", "strict"]


def test_a_plain_dataclass_field_needs_no_help():
    """A field may be declared without ``setting()``."""
    plain = make_dataclass("Plain", [("name", str, field(default="x"))], frozen=True)
    assert load(plain, {}, where="secret").name == "x"


@pytest.mark.parametrize(
    "url",
    [
        *("https://api.example.com", "https://api.example.com/", "https://api.example.com:8443"),
        *("HTTPS://api.example.com", "https://[2001:db8::1]:443"),
        *("http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"),
    ],
)
def test_a_base_url_is_https_or_loopback(url):
    """A base URL has a host and may have a port."""
    assert base_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        *("", "api.example.com", "//api.example.com", "https://", "https:///path", "https://:443", "https://[::1"),
        *(f"https://api.example.com:{port}" for port in ("", "0", "65536", "port")),
        *(f"https://{user}@api.example.com" for user in ("user", "user:canary", ":canary", "")),
        *(f"https://api.example.com{rest}" for rest in ("/v1", "//", "?", "?canary=1", "#", "#canary", "\n", " ")),
        *("https://api.exa\tmple.com", " https://api.example.com", "https://api.example.com\\@evil.example"),
        *("http://api.example.com", "http://127.0.0.1.example.com", "http://localhost.example.com"),
        *("http://0.0.0.0", "http://127.0.0.2", "ftp://api.example.com", "file:///etc/passwd", "javascript:canary"),
        "https://аpi.example.com",  # noqa: RUF001 - a Cyrillic letter, which looks like the real host
    ],
)
def test_any_other_base_url_is_refused_without_being_quoted(url):
    """Characters that urlsplit drops make a URL invalid, since the text itself is called."""
    problem = base_url(url)
    assert problem.startswith("must ")
    assert "canary" not in problem


def test_checks_judge_the_whole_text():
    """A text with a line break at its end does not match."""
    letters = matches(r"[a-z]+", "must be letters")
    assert (letters("abc\n"), letters("abc")) == ("must be letters", None)
    assert one_of("a", "b")("A") == "must be one of a, b"


@pytest.mark.parametrize("path", ["a", "prod/apps/db", "a..b/.c/...", "prod/@x"])
def test_names_are_segments(path):
    """Dots within a name are part of it."""
    assert path_problem(path) is None
    assert checked_path(path, what="it") == path


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "../a", "a/.."])
def test_a_segment_that_leads_elsewhere_is_refused(path):
    """An HTTP client would resolve it before it sends the URL."""
    with pytest.raises(ConfigError, match="segment") as caught:
        checked_path(path, what="the name")
    assert "another secret" in caught.value.hint
