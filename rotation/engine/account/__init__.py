"""The four steps for one account."""
