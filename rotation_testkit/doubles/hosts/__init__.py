"""Hosts that take logins over SSH and WinRM."""
