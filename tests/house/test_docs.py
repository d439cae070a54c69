"""The pages for readers: links lead somewhere, README is short, and the library page's examples run."""

import re
from pathlib import Path

import pytest

from rotation import PasswordPolicy, SecretDocument, Step
from rotation.core.clock import SystemClock
from rotation.stores.memory import MemorySecret, MemoryStore
from rotation_testkit.sandbox.sandbox import HUAWEI, open_sandbox

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]
PATH = re.compile(r"`((?:rotation|rotation_testkit|vault_plugin|tests|docs|events|examples)/[^`<>…:]*)`")
LINK = re.compile(r"\]\((?!https?://)(?P<path>[^)#\s]*)#?(?P<anchor>[^)\s]*)\)")


def _anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_resolves(page):
    """A link leads to a file or folder of the tree, and its anchor to a heading there."""
    broken = []
    for link in LINK.finditer(page.read_text()):
        target = page if not link["path"] else (page.parent / link["path"]).resolve()
        if not target.exists() or (link["anchor"] and link["anchor"] not in _anchors(target)):
            broken.append(link[0])
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_that_a_page_names_exists(page):
    """A page names files and folders of the tree by paths that exist."""
    roots = (ROOT, page.parent)
    missing = [name for name in PATH.findall(page.read_text()) if not any(any(root.glob(name)) for root in roots)]
    assert missing == []


def test_readme_has_at_most_120_lines():
    """README says what Lockstep is, how to begin and what to do on call; everything else stands in ``docs``."""
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


def test_every_page_is_reached_from_readme():
    """Each page in ``docs`` has a link from README or from a page that README links to."""
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link["path"]).resolve() for link in LINK.finditer(page.read_text()) if link["path"]}
        waiting += [target for target in targets - reached if target.suffix == ".md" and target not in waiting]
    assert set((ROOT / "docs").glob("*.md")) <= reached


def test_no_page_installs_a_package_from_an_index():
    """Lockstep is installed from a checkout: this project owns no name on a package index."""
    texts = [path for path in (ROOT / "examples").rglob("*.*") if path.suffix in (".yaml", ".hcl", ".toml")]
    named = re.compile(r"lockstep-rotation\[|\"lockstep-rotation\"|pip install lockstep")
    assert [str(path.relative_to(ROOT)) for path in [*PAGES, *texts] if named.search(path.read_text())] == []


@pytest.fixture
def example():
    """The names that the examples of ``docs/library.md`` define, run one after the other."""
    names = {}
    for block in re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/library.md").read_text(), re.MULTILINE | re.DOTALL):
        exec(block, names)  # noqa: S102 - our own page
    return names


def test_the_library_example_rotates_an_account(example, capsys):
    """The document that ``rotate`` returns holds the password that the vendor accepts now."""
    with open_sandbox(holding=(HUAWEI,)) as started:
        document = SecretDocument(started.vendor_accounts[HUAWEI].document)
        rotated = example["rotate"](document, started.environment(), None)
        assert rotated.password == started.live(HUAWEI) != document.password
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(Step)


def test_the_library_example_draws_a_password(example):
    """The policy of the page is a ``PasswordPolicy``, and its password has the length that it says."""
    assert isinstance(example["policy"], PasswordPolicy)
    assert len(example["password"].reveal()) == 20


def test_the_library_example_heals_a_secret(example, capsys):
    """A secret whose stored password works is healthy."""
    from rotation import Deployment
    from rotation.deployment.binder import Binder

    clock = SystemClock()
    with open_sandbox(holding=(HUAWEI,)) as started:
        secret = MemorySecret(now=clock.now)
        secret.put("first", SecretDocument(started.vendor_accounts[HUAWEI].document), "AWSCURRENT")
        deployment = Deployment.from_environment(started.environment())
        binder = Binder(deployment=deployment, fetch=SecretDocument.parse, clock=clock, time_left=lambda: 60.0)
        assert example["heal"](example["session_of"](MemoryStore(secret), "", binder)) is True
    assert "live" in capsys.readouterr().out
