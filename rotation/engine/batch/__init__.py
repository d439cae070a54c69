"""The four steps for several accounts in one secret."""
