"""Rounds of the Vault plug-in by a real OpenBao's scheduler, beside a plug-in that does nothing."""
