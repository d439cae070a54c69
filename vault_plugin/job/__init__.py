"""The rotation job over Vault KV version 2."""
