"""What commands print: tables that cut nothing, times, errors that name their secret."""

import re
import uuid

import pytest
from rich.cells import cell_len

from rotation.cli import output
from rotation.cli.output import about, show_error, show_table, when
from rotation.core.errors import InternalError, Interrupted, RotationError, SecretNotFound
from rotation.core.process import stop

ID, CODE = str(uuid.uuid4()), "volcengine_cloudidentity"


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that makes standard output a terminal with that many columns."""

    def of(columns):
        monkeypatch.setattr("sys.stdout.isatty", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "dumb")

    return of


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 120])
def test_no_word_of_a_table_is_cut(terminal, capsys, columns):
    """A version's id, a driver's code and each word of a sentence are whole on every terminal."""
    terminal(columns)
    sentence = "a reset with it may have been sent, 2026-11-22 02:36:13 UTC (3 h ago); 1 wrong login charged"
    show_table(("version", "stages", "driver", "notes"), [(ID, "AWSCURRENT AWSPENDING", CODE, sentence)], title="all")
    words = capsys.readouterr().out.split()
    assert {ID, CODE, *sentence.split()} <= {*words}
    assert "…" not in "".join(words)


def test_a_wide_terminal_gets_one_line_for_a_row(terminal, capsys):
    """A table is as wide as what it holds, if there is room."""
    terminal(120)
    show_table(("version", "note"), [(ID, "two words"), ("short", "")])
    assert capsys.readouterr().out.splitlines()[1].rstrip() == f"{ID}  two words"


def test_a_table_is_never_wider_than_the_terminal(terminal, capsys):
    """Sentences share what the ids leave, and the shorter one is not wrapped first."""
    terminal(80)
    show_table(("version", "a", "b"), [(ID, "short text", "one two three four five six seven eight nine ten")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert any("short text" in line for line in lines)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s ago"),
        (14 * 60 - 5, "in 14 min"),
        (119.2, "in 120 s"),
        (3 * 3600 + 1.0, "in 4 h"),
        (9 * 86_400.0, "in 9 days"),
        (-90.0, "90 s ago"),
        (-3599.0, "59 min ago"),
        (-50 * 3600.0, "2 days ago"),
    ],
)
def test_a_time_says_how_far_away_it_is(seconds, text):
    """Beside the date in UTC; a wait is rounded up, so that nobody comes too early."""
    assert when(1_700_000_000 + seconds, 1_700_000_000).endswith(f" UTC ({text})")


def test_the_clock_is_asked_where_no_time_is_given(monkeypatch):
    """The distance is from now."""
    monkeypatch.setattr(output.time, "time", lambda: 0.0)
    assert when(600.0) == "1970-01-01 00:10:00 UTC (in 10 min)"


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (SecretNotFound("gone"), "secret_not_found"),
        (LookupError("canary-4711"), "internal_error"),
        (stop.Halted(), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_every_error_of_a_command_names_its_secret(capsys, raised, code):
    """Foreign exceptions and signals, too; a fleet's loop can tell which secret a line is about."""
    kind = InternalError if code == "internal_error" else Interrupted if code == "interrupted" else SecretNotFound
    with pytest.raises(kind) as caught, about({"secret_id": "app/db"}):
        raise raised
    show_error(caught.value, as_json=True)
    printed = capsys.readouterr().out
    assert f'"code": "{code}"' in printed
    assert '"secret_id": "app/db"' in printed
    assert "canary" not in printed


def test_what_an_error_says_of_its_subject_is_kept():
    """An inner block knows more, such as the token."""
    with pytest.raises(RotationError) as caught, about({"secret_id": "app/db"}):
        raise SecretNotFound("gone").changed(subject={"token": "t"})
    assert caught.value.describe()["token"] == "t"
    assert caught.value.describe()["secret_id"] == "app/db"
    assert re.fullmatch(r"gone", caught.value.message)
