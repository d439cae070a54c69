"""Which accounts a secret names, whose turn it is, and whether it may name them."""
