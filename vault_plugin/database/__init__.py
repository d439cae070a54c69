"""Vault's and OpenBao's database plugin over Lockstep's drivers."""
