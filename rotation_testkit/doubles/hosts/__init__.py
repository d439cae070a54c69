"""Hosts that accept logins over SSH and WinRM."""
