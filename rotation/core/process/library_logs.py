"""Keep the libraries' log lines out of the log, for every entry: function, command, job and plug-in.

At DEBUG, botocore logs every request and answer, SecretString and RotationToken included, and spnego logs NTLM's answer
to the challenge, from which a password can be guessed offline. urllib3 quotes the unparsed rest of a malformed answer
in a warning, which Python prints even if logging is not set up (read 2026-11). Our errors report what matters.
"""

from __future__ import annotations

import logging
import warnings

TALKATIVE = frozenset(
    {
        "boto3",
        "botocore",
        "charset_normalizer",
        "grpclib",
        "h2",
        "hpack",
        "hvac",
        "paramiko",
        "pypsrp",
        "requests",
        "spnego",
        "urllib3",
    }
)
"""The roots of the libraries' loggers."""


def silence_libraries() -> None:
    """Silence the libraries, whatever level the root logger or the operator sets. Every entry calls this first.

    requests warns where no package guesses a text's encoding, as in the packed function; Lockstep guesses none.
    """
    warnings.filterwarnings("ignore", message="Unable to find acceptable character detection")
    for name in TALKATIVE:
        if logging.getLogger(name).level != logging.CRITICAL:  # setting a level again empties every logger's cache
            logging.getLogger(name).setLevel(logging.CRITICAL)
    for name, logger in list(logging.root.manager.loggerDict.items()):
        below = name not in TALKATIVE and name.partition(".")[0] in TALKATIVE
        if below and isinstance(logger, logging.Logger) and logger.level:
            logger.setLevel(logging.NOTSET)
