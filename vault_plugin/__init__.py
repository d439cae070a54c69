"""Faces towards HashiCorp Vault and OpenBao."""
