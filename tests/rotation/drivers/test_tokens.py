"""A token that was got at a login is used until it is about to expire, and never after the vendor refused it."""

import pytest

from rotation.core.secret import Secret
from rotation.drivers.tokens import MARGIN_SECONDS, Token, Tokens


class Vendor:
    """Hands out a numbered token at each login."""

    def __init__(self):
        self.logins = 0
        self.now = 1000.0

    def log_in(self):
        """Hand out the next token, for ten minutes."""
        self.logins += 1
        return Token(Secret(f"canary-{self.logins}"), self.now + 600)


@pytest.fixture
def vendor():
    """A vendor, and a clock."""
    return Vendor()


def test_one_login_serves_many_calls(vendor):
    """Each name has a token of its own."""
    tokens = Tokens(lambda: vendor.now)
    assert tokens.valid("iam", vendor.log_in) == tokens.valid("iam", vendor.log_in) == Secret("canary-1")
    assert tokens.valid("other", vendor.log_in) == Secret("canary-2")


def test_a_token_that_is_about_to_expire_is_replaced(vendor):
    """The margin leaves time for the call that carries it."""
    tokens = Tokens(lambda: vendor.now)
    tokens.valid("iam", vendor.log_in)
    vendor.now += 600 - MARGIN_SECONDS - 1
    assert tokens.valid("iam", vendor.log_in) == Secret("canary-1")
    vendor.now += 1
    assert tokens.valid("iam", vendor.log_in) == Secret("canary-2")


def test_a_token_that_the_vendor_refused_is_forgotten_but_still_scrubbed(vendor):
    """The next use logs in again; forgetting twice is harmless."""
    tokens = Tokens(lambda: vendor.now)
    tokens.valid("iam", vendor.log_in)
    tokens.forget("iam")
    tokens.forget("iam")
    assert tokens.valid("iam", vendor.log_in) == Secret("canary-2")
    assert sorted(each.reveal() for each in tokens.secrets) == ["canary-1", "canary-2"]


def test_a_login_that_fails_leaves_nothing(vendor):
    """Its error goes on, and the next use tries again."""
    tokens = Tokens(lambda: vendor.now)

    def fail():
        raise ConnectionError

    with pytest.raises(ConnectionError):
        tokens.valid("iam", fail)
    assert tokens.valid("iam", vendor.log_in) == Secret("canary-1")
    assert "canary" not in repr(tokens)
