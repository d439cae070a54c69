"""Exact counting of the passwords that a policy allows, and uniform drawing from them."""
