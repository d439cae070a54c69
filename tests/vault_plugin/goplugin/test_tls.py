"""The key pair of a plug-in's process never touches a disk."""

import subprocess
import sys

SCRIPT = """
import os, sys
from vault_plugin.goplugin import tls
written = []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
def hear(event, given):
    if event == "open" and isinstance(given[2], int) and given[2] & WRITES:
        written.append(given[0])
sys.addaudithook(hear)
tls.Identity.create(os.environ["PLUGIN_CLIENT_CERT"])
assert not written, written
open(os.devnull, "w").close()
print(len(written))
"""


def test_no_file_is_written_for_the_key(host):
    """OpenSSL reads the key pair from memory, so no file is written."""
    command = [sys.executable, "-c", SCRIPT]
    made = subprocess.run(command, env=host.environment(), capture_output=True, text=True, timeout=60, check=False)
    assert made.stdout == "1\n", made.stderr  # the hook does hear of files that are written
