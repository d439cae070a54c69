"""Strict, stateful stand-ins for the vendors, Secrets Manager, Vault and hosts."""
