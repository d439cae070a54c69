# ruff: noqa: E501 - one case, one line
"""What cannot work is refused at once, by an error that names the rule; and what the package's import brings."""

import subprocess
import sys
import time
from inspect import ismodule

import pytest

from rotation import policy
from rotation.core.errors import PolicyError
from rotation.drivers.registry import vendor_policies
from rotation.policy import AtLeast, Charset, Context, Name, PasswordPolicy, Word, intersect, narrow
from rotation.policy.model import DIGITS, LOWER, UPPER

LETTERS = Charset("lower", LOWER)
DIGIT = Charset("digit", DIGITS)
FOUR = (Charset("lower", LOWER, 1), Charset("upper", UPPER, 1), Charset("digit", DIGITS, 1), Charset("special", "!#$%"))
HUAWEI = vendor_policies()["huawei_meeting"]["default"]
# Forbids every single letter of the account's name.
PERSONAL = PasswordPolicy(length=16, charsets=(Charset("lower", LOWER, 1), DIGIT), names=(Name(fragment=1),))
DIGITS_LEFT = PasswordPolicy(length=12, charsets=(LETTERS, DIGIT), names=(Name(fragment=1),))


def simple(**fields):
    """Return a policy of 16 letters with the given fields changed."""
    return PasswordPolicy(**{"length": 16, "charsets": (LETTERS,), **fields})


REFUSED = {
    "more digits than places": (lambda: simple(length=8, charsets=(LETTERS, Charset("digit", DIGITS, 9))), r"min_chars\(9 of 0123456789\)"),
    "no charset": (lambda: simple(charsets=()), "charset: the alphabet is empty"),
    "empty charset": (lambda: Charset("special", ""), r"charset\(special\): has no characters"),
    "excluded to nothing": (lambda: narrow(simple(), exclude=LOWER), "charset: no character is left"),
    "required class excluded": (lambda: narrow(simple(charsets=FOUR), exclude=DIGITS), r"min_chars\(digit\)"),
    "non-ASCII": (lambda: Charset("special", "!é"), r"charset\(special\): only printable ASCII"),
    "control character": (lambda: Charset("special", "!\n"), r"charset\(special\): only printable ASCII"),
    "excluded non-ASCII": (lambda: narrow(simple(), exclude="é"), "exclude: only printable ASCII"),
    "first_not control": (lambda: simple(first_not="\x7f"), "first_not: only printable ASCII"),
    "last_not non-ASCII": (lambda: simple(last_not="ü"), "last_not: only printable ASCII"),
    "character twice": (lambda: Charset("digit", "1231"), r"charset\(digit\): lists a character twice"),
    "negative length": (lambda: simple(length=-1), "length: bounds -1 to -1"),
    "zero length": (lambda: simple(length=0), "length: bounds 0 to 0"),
    "huge length": (lambda: simple(length=10**9), "length: bounds"),
    "length below bounds": (lambda: simple(min_length=20, max_length=30), "length: 16 is not within 20 to 30"),
    "narrowed out of bounds": (lambda: narrow(simple(), length=17), "length: 17 is not within 16 to 16"),
    "bounds crossed": (lambda: simple(min_length=17, max_length=8), "length: bounds 17 to 8"),
    "negative minimum": (lambda: Charset("digit", DIGITS, -1), r"min_chars\(digit\)"),
    "negative run": (lambda: simple(max_repeat=-1), "max_repeat: must not be negative"),
    "negative age": (lambda: simple(min_age_seconds=-1), "min_age_seconds: must not be negative"),
    "same name twice": (lambda: simple(charsets=(LETTERS, LETTERS)), "charset: two have the same name"),
    "more classes than there are": (lambda: simple(classes=(AtLeast(2),)), "classes: 2 of only 1"),
    "no class at all": (lambda: AtLeast(0), "classes: must be 1 or more"),
    "unknown class": (lambda: simple(classes=(AtLeast(1, (("digits",),)),)), "no charset is called digits"),
    "class of nothing": (lambda: simple(classes=(AtLeast(1, ((), ("lower",))),)), "a class without charsets"),
    "empty word": (lambda: Word(""), "word: an empty word"),
    "negative fragment": (lambda: Word("root", fragment=-1), r"word\(root\)"),
    "runs of a lone character": (lambda: simple(length=9, charsets=(Charset("one", "a"),), max_repeat=2), r"max_repeat\(2\)"),
    "all words": (lambda: simple(charsets=(Charset("ab", "ab"),), words=(Word("a"), Word("b"))), "words"),
    "nothing may come first": (lambda: simple(charsets=(DIGIT,), first_not=DIGITS), "first_not"),
    "nothing may come last": (lambda: simple(charsets=(DIGIT,), last_not=DIGITS), "last_not"),
    "weak": (lambda: simple(length=8, charsets=(DIGIT,)), "weak: leaves 26.6 bits, fewer than 50"),
    "narrowed to weakness": (lambda: narrow(simple(), exclude=LOWER[:-2]), "weak: leaves 16.0 bits"),
    "editions without a common length": (lambda: intersect(simple(), simple(length=20)), "length: no length is within both"),
    "editions without a common character": (lambda: intersect(simple(), simple(charsets=(DIGIT,))), "charset: no character"),
    "endless username": (lambda: HUAWEI.generate(Context(username="x" * 10_000)), r"name\(username\): has 10000 characters"),
    "endless other name": (lambda: Context(names={"tenant": "x" * 257}), r"name\(tenant\): has 257 characters"),
    "username of every letter": (lambda: PERSONAL.generate(Context(username=LOWER)), r"min_chars\(1 of abc\w+\), names together"),
    "username that leaves digits": (lambda: DIGITS_LEFT.generate(Context(username=UPPER)), "weak: leaves 39.9 bits"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_clear_error_names_the_rule_at_once(name):
    """Each contradiction and each malformed field is refused within 50 ms by an error that names the rule."""
    make, message = REFUSED[name]
    started = time.process_time()
    with pytest.raises(PolicyError, match=message):
        make()
    assert time.process_time() - started < 0.05


def test_a_username_with_every_letter_is_no_trouble_elsewhere():
    """A name of every letter hardly restricts a policy that forbids only the whole name."""
    context = Context(username=LOWER)
    assert HUAWEI.problems(HUAWEI.generate(context), context) == ()


def test_importing_stays_lean(unmeasured):
    """A cold start loads neither renderers nor heavy modules for the policies."""
    code = "import sys, rotation.policy; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=unmeasured)
    loaded = set(done.stdout.split())
    assert not {"hypothesis", "fractions", "statistics", "json.tool", "rotation.policy.render", "random"} & loaded


def test_the_package_exports_what_it_imports():
    """``__all__`` is sorted and holds every name that the package's own import lines bring."""
    imported = {name for name, value in vars(policy).items() if not name.startswith("_") and not ismodule(value)}
    assert set(policy.__all__) == imported - {"annotations"}
    assert policy.__all__ == sorted(policy.__all__, key=lambda name: (name[0].islower(), name))
