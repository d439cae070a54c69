"""What an operator asks of new passwords, beyond the vendor's rules."""

from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rotation.core.errors import PolicyError, SettingsError
from rotation.drivers.registry import vendor_policies
from rotation.policy import Charset, PasswordPolicy, PasswordWishes
from rotation.policy.model import DIGITS, LOWER, UPPER, charsets
from rotation.policy.wishes import MOST_BITS, NO_WISHES, READERS

EVERY = [policy for variants in vendor_policies().values() for policy in variants.values()]
FOUR = PasswordPolicy(name="four", length=20, min_length=8, max_length=30, charsets=charsets("!#%+-"))


def demanded(policy):
    """Return the names of the classes that must occur."""
    return [each.name for each in policy.charsets if each.min_chars]


@pytest.mark.parametrize("prefix", ["lockstep:", "lockstep-"])
def test_the_texts_beside_a_secret_are_read_in_both_stores(prefix):
    """Tags and custom metadata have the same names; other keys ask for something else and are skipped."""
    texts = {
        "length": " 24", "exclude": "0OIl1", "exclude-hex": "22 5c", "shell-safe": "Yes", "url-safe": "off",
        "classes": "upper, digit", "window": "any", "mirror-of": "x",
    }  # fmt: skip
    found = PasswordWishes.read({f"{prefix}{key}": text for key, text in texts.items()} | {"team": "length"})
    assert found == PasswordWishes(
        length=24, exclude='0OIl1"\\', shell_safe=True, url_safe=False, classes=("upper", "digit")
    )


def test_all_faults_are_named_by_their_keys_and_never_quoted():
    """A misspelt key is a fault with the nearest known one."""
    texts = {
        "lockstep:length": "canary", "lockstep:exclude": "canary\x07", "lockstep:exclude-hex": "0a",
        "lockstep:shell-safe": "canary", "lockstep:classes": "none upper", "lockstep:lenght": "1",
        "lockstep:exclude_hex": "22",
    }  # fmt: skip
    with pytest.raises(SettingsError, match="lockstep:lenght is unknown; the nearest is length") as caught:
        PasswordWishes.read(texts)
    assert [fault.split()[0] for fault in caught.value.faults] == [*texts]
    assert "canary" not in str(caught.value)
    assert "tag" in caught.value.hint


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([f"lockstep:{name.replace('_', '-')}" for name in READERS]) | st.text(max_size=40),
        st.sampled_from(["true", "none", "24", "7e", "lower upper"]) | st.text(max_size=40),
        max_size=4,
    )
)
def test_whatever_stands_beside_a_secret_is_read_or_is_a_clear_fault(texts):
    """No text raises anything but the two errors that say what is wrong, and what is met keeps the vendor's rules."""
    try:
        policy = PasswordWishes.read(texts).applied(FOUR)
    except (SettingsError, PolicyError):
        return
    assert FOUR.problems(policy.generate()) == ()


def test_a_secret_overrides_its_deployment_key_by_key():
    """What the secret says holds, an empty list of classes and ``false`` included; else the deployment's word does."""
    deployment = PasswordWishes(length=24, exclude="0O", shell_safe=True, classes=("upper",))
    own = PasswordWishes(length=20, shell_safe=False, classes=())
    assert own.over(deployment) == PasswordWishes(length=20, exclude="0O", shell_safe=False, classes=())
    assert NO_WISHES.over(deployment) == deployment


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_one_of_each_class_is_the_default_and_costs_under_half_a_bit(policy):
    """Every vendor's policy gets all of its classes; the cost is counted exactly here."""
    narrowed = NO_WISHES.applied(policy)
    assert demanded(narrowed) == [each.name for each in policy.charsets]
    assert 0 <= log2(policy.size()) - log2(narrowed.size()) < MOST_BITS
    assert policy.problems(narrowed.generate()) == ()


def test_a_class_that_would_cost_more_is_left_out_alone():
    """One special character among 63 would cost two bits at this length, and two digits one bit."""
    assert demanded(NO_WISHES.applied(PasswordPolicy(length=20, charsets=charsets("!")))) == ["lower", "upper", "digit"]
    few = (Charset("digit", "01"), Charset("lower", LOWER), Charset("upper", UPPER))
    assert demanded(NO_WISHES.applied(PasswordPolicy(length=20, charsets=few))) == ["lower", "upper"]


def test_the_default_refuses_no_policy():
    """One with hardly enough passwords, or with one class, stays as it is."""
    tight = PasswordPolicy(length=10, charsets=(Charset("lower", LOWER), Charset("upper", UPPER[:6])))
    assert tight.entropy_bits() == 50
    one = PasswordPolicy(length=20, charsets=(Charset("digit", DIGITS),))
    assert NO_WISHES.applied(tight) is tight
    assert NO_WISHES.applied(one) is one


def test_named_classes_occur_and_no_others_must():
    """The names are the vendor's; ``none`` asks for nothing."""
    assert demanded(PasswordWishes(classes=("special",)).applied(FOUR)) == ["special"]
    assert PasswordWishes(classes=()).applied(FOUR) is FOUR


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (PasswordWishes(length=31), "length: 31 is not within 8 to 30 .asked for: 31 characters"),
        (PasswordWishes(classes=("emoji",)), "there is no emoji, only lower, upper, digit, special"),
        (PasswordWishes(exclude="!#%+-", classes=("special",)), "there is no special, only lower, upper, digit"),
        (PasswordWishes(exclude=LOWER + UPPER + DIGITS + "!#%+-"), "no character is left"),
        (PasswordWishes(length=8, exclude=LOWER + UPPER), "weak: leaves"),
    ],
)
def test_what_the_vendors_rules_cannot_meet_is_refused(wishes, said):
    """The error says what was asked for and where it can be changed."""
    with pytest.raises(PolicyError, match=said) as caught:
        wishes.applied(FOUR)
    assert "tags" in caught.value.hint
    assert "password_" in caught.value.hint
