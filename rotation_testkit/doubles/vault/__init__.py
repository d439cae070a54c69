"""Vault: an in-memory KV version 2, and a real OpenBao server."""
