"""The shared login probes, one a file: the file's name is the probe's kind, and its ``LOGIN`` the record.

They prove a password for drivers whose vendor has no login call. ``registry.login_kind`` finds them by file, and those
of plug-ins by the entry points ``lockstep.logins``. Importing one loads none of the libraries that a login needs.
"""
