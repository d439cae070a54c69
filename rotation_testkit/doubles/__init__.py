"""Strict, stateful doubles of the vendors, Secrets Manager, Vault and hosts."""
