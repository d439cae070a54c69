"""Markdown pages of policies."""

from html import escape

import pytest
from markdown_it import MarkdownIt

from rotation.drivers.registry import vendor_policies
from rotation.policy.render import to_markdown

EVERY = [policy for variants in vendor_policies().values() for policy in variants.values()]


@pytest.mark.parametrize("policy", EVERY, ids=lambda policy: policy.name)
def test_markdown_shows_every_rule_with_its_source(policy):
    """The page lists the rules, the exact bits and the documents, and its table has three columns throughout."""
    text = to_markdown(policy).text
    html = MarkdownIt().enable("table").render(text)
    assert html.count("<td>") == 3 * (html.count("<tr>") - 1)
    assert f"{policy.entropy_bits():.1f} bits" in text
    assert all(source.cite.split(",")[0] in html for source in policy.sources)
    specials = next(charset.chars for charset in policy.charsets if charset.name == "special")
    assert escape(specials).replace("&#x27;", "'") in html
