"""The Meeting simulator's password change: every rule with its own code, and the open points as switches."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests  # noqa: TID251 - a client that is not ours

from rotation.core.secret import Secret
from rotation_testkit.doubles.vendor_api.faults import FaultKind

WHO, OLD, NEW = "bob@corp1", "Old#Pass1", "Nvw$Word2x"
CHANGE = "PUT /v1/usg/acs/password"


@pytest.fixture
def change(url, login):
    """Change a password with a token that was fetched at the start."""
    token = login(OLD).json()["accessToken"]

    def call(new=NEW, old=OLD, *, used=token, **body):
        full = {"account": WHO, "oldPwd": old, "newPwd": new, **body}
        headers = {"X-Access-Token": used}
        return requests.put(f"{url}/v1/usg/acs/password", json=full, headers=headers, timeout=5)

    return call


def test_change(change, login, sim, clock):
    """A change is answered by 200 without a body; the new password opens the account, the old one does not."""
    answer = change()
    assert (answer.status_code, answer.content) == (200, b"")
    assert sim.live_password(WHO) == Secret(NEW)
    assert login(NEW).status_code == 200
    assert login(OLD).status_code == 401
    assert sim.changes(WHO) == 1
    assert sim.account(WHO).changed_at == clock.now()


def test_change_may_answer_a_body(change, sim):
    """The vendor's sample answer has a body that the documents do not explain."""
    sim.rules.change_body = True
    assert change().json()


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("Sh0rt#7", "206030007"),
        ("L0ng#" + "abcdefg" * 4, "206030007"),
        ("lettersonly", "206030008"),
        ('Quote"123x', "206030014"),
        ("Sp ace#123", "206030014"),
        ("Ümlaut#123", "206030014"),
        ("Xaaay#123", "206030010"),
        ("xBOB@corp19", "206030012"),
        ("x1PROC@BOBx", "206030012"),
        ("xx1ROBERTxx", "206030012"),
        ("xx1treborxx", "206030012"),
        ("xx1boB#xx", "206030012"),
        (OLD, "206030009"),
        ("Old#Pass2", "206030013"),
        ("1ssaP#dlO", "206030013"),
    ],
)
def test_vendors_password_rule(change, sim, new, code, refusal):
    """Each sentence of the rule has its code; nothing changes."""
    assert refusal(change(new)) == (400, f"USG.{code}")
    assert sim.live_password(WHO) == Secret(OLD)
    assert sim.changes(WHO) == 0


@pytest.mark.parametrize("new", ["aB#45678", "Zy9" + "x#Yw8!Vu" * 3 + "Q2#rT", "Waay#1233q", "`~|\\{}];:,'Z9"])
def test_passwords_at_the_edge_of_the_rule(change, new):
    """8 and 32 characters, pairs of equal characters and odd specials are fine."""
    assert change(new).status_code == 200


@pytest.mark.parametrize(
    ("rule", "value", "new"),
    [("name_contained", False, "xx1ROBERTxx"), ("most_repeats", 3, "Xaaay#123"), ("double_quote", True, 'Quote"123x')],
)
def test_readings_of_the_rule_are_switches(change, sim, rule, value, new):
    """The language versions of the vendor's page differ; the milder reading can be chosen."""
    setattr(sim.rules, rule, value)
    assert change(new).status_code == 200


def test_minimum_age(change, sim, clock, refusal):
    """A second change is refused until five minutes of the clock have passed."""
    change()
    assert refusal(change("Thrd*Word3y", NEW)) == (400, "USG.206030011")
    clock.sleep(299)
    assert refusal(change("Thrd*Word3y", NEW)) == (400, "USG.206030011")
    clock.sleep(1)
    assert change("Thrd*Word3y", NEW).status_code == 200
    assert sim.changes(WHO) == 2


@pytest.mark.parametrize(("old_first", "code", "counted"), [(True, "206030006", 1), (False, "206030011", 0)])
def test_order_of_age_and_old_password(change, sim, refusal, *, code, counted, old_first):  # noqa: PLR0913 - one row of the table
    """Which of the two the vendor checks first is unknown; a repeat after success shows either."""
    sim.rules.old_password_first = old_first
    change()
    assert refusal(change()) == (400, f"USG.{code}")
    assert sim.wrong_logins(WHO) == counted


def test_history(change, sim, clock, refusal):
    """The last passwords may not come back; how many is a rule."""
    sim.rules.history = 2
    current = OLD
    for new in ("Aaq#w181e2", "Bbx$c292v3", "Ccn%m383k4"):
        clock.sleep(300)
        assert change(new, current).status_code == 200
        current = new
    clock.sleep(300)
    assert refusal(change("Aaq#w181e2", current)) == (400, "USG.206030009")
    assert change(OLD, current).status_code == 200


def test_wrong_old_password_counts_to_the_lock(change, login, sim, refusal):
    """Five wrong old passwords lock change and login alike."""
    assert {refusal(change(old="Wrong#123")) for _ in range(5)} == {(400, "USG.206030006")}
    assert refusal(change()) == (423, "USG.206030015")
    assert refusal(login(OLD)) == (423, "USG.206030015")
    assert sim.wrong_logins(WHO) == 5


def test_token_must_be_valid_and_ones_own(change, login, sim, refusal):
    """Another user's token may not change this password; no token is 401."""
    assert refusal(change(used=login(OLD, "eve@corp1").json()["accessToken"])) == (403, "USG.206030016")
    assert refusal(change(used="nonsense")) == (401, "USG.206020000")
    assert refusal(change(account="nobody")) == (400, "USG.206030000")
    assert sim.changes(WHO) == 0


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [("sso", True, "206030028"), ("huawei_account", True, "206030031"), ("changeable", False, "206030005")],
)
def test_accounts_that_cannot_change(change, sim, refusal, *, field, value, code):  # noqa: PLR0913 - one row of the table
    """Each kind of account that changes its password elsewhere has its code."""
    setattr(sim.account(WHO), field, value)
    assert refusal(change()) == (400, f"USG.{code}")


@pytest.mark.parametrize(
    "body", [{"account": ""}, {"oldPwd": ""}, {"oldPwd": "x" * 33}, {"newPwd": None}, {"account": 7}], ids=str
)
def test_bad_parameters(change, sim, body, refusal):
    """Fields of the wrong kind or length are 400 and count against nobody."""
    assert refusal(change(**body)) == (400, "USG.200000003")
    assert sim.wrong_logins(WHO) == 0


@pytest.mark.parametrize(("dies", "code"), [(True, "206020000"), (False, "206030011")])
def test_tokens_may_die_on_change(change, sim, code, dies, refusal):
    """Whether tokens outlive a change is unknown; both are possible."""
    sim.rules.tokens_die_on_change = dies
    change()
    assert refusal(change("Thrd*Word3y", NEW))[1] == f"USG.{code}"


def test_statuses_are_switches(change, sim, refusal):
    """The HTTP status of most codes is not documented."""
    sim.rules.statuses["206030011"] = 403
    change()
    assert refusal(change("Thrd*Word3y", NEW)) == (403, "USG.206030011")


def test_faults_speak_the_vendors_words(change, sim, refusal):
    """A planned code comes in the vendor's envelope, before or after the effect; throttling is 429."""
    sim.faults.add(CHANGE, FaultKind.VENDOR_CODE, code=200000001)
    sim.faults.add(CHANGE, FaultKind.THROTTLE)
    sim.faults.add(CHANGE, FaultKind.VENDOR_CODE_AFTER, code="USG.200000002")
    assert refusal(change()) == (500, "USG.200000001")
    assert refusal(change()) == (429, "USG.200000001")
    assert sim.changes(WHO) == 0
    assert refusal(change()) == (500, "USG.200000002")
    assert sim.changes(WHO) == 1


@pytest.mark.parametrize(("kind", "count"), [(FaultKind.DROP_BEFORE, 0), (FaultKind.DROP_AFTER, 1)])
def test_lost_reply(change, login, sim, kind, count):
    """After a lost reply only a login shows which password is live."""
    sim.faults.add(CHANGE, kind)
    with pytest.raises(requests.ConnectionError):
        change()
    assert sim.changes(WHO) == count
    assert login(NEW if count else OLD).status_code == 200


def test_parallel_changes(change, sim):
    """Of many changes with the same old password exactly one takes effect."""
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda number: change(f"{NEW}{number}"), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    assert sim.changes(WHO) == 1


def test_log_holds_no_secret(change, sim):
    """Operations and codes are logged, values are not; captures hold them for leak tests."""
    change("short")
    assert [(line.operation, line.outcome) for line in sim.requests] == [
        ("POST /v1/usg/acs/auth/account", "ok"),
        (CHANGE, "USG.206030007"),
    ]
    assert OLD not in repr((sim.requests, sim.captured, sim.account(WHO)))
    assert sim.captured[-1].holds(OLD)
