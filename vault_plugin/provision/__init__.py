"""Install the database plug-in in a Vault or OpenBao server, and keep it as its file declares."""
