"""The database plug-in of Vault and OpenBao: static roles whose passwords Lockstep's drivers set.

``service`` speaks the protocol, ``connection`` and ``role`` read the configuration, ``update`` changes one password,
``memory`` keeps what must be known from one call to the next, ``codes`` translates errors.
"""

NAME = "lockstep"
"""The name of the plug-in, and of the root of its loggers."""

VERSION = "v0.1.0"
"""The version of the plug-in; the catalog keeps one file for each."""
