"""The key pair of a plug-in's process never touches a disk."""

import subprocess
import sys


def test_no_file_is_written_for_the_key(host):
    """OpenSSL reads the key pair from memory, so no file is written."""
    script = (
        "import os, sys\n"
        "from vault_plugin.goplugin import tls\n"
        "written = []\n"
        "WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT\n"
        "def hear(event, given):\n"
        "    if event == 'open' and isinstance(given[2], int) and given[2] & WRITES:\n"
        "        written.append(given[0])\n"
        "sys.addaudithook(hear)\n"
        "tls.Identity.create(os.environ['PLUGIN_CLIENT_CERT'])\n"
        "assert not written, written\n"
        "open(os.devnull, 'w').close()\n"
        "print(len(written))\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", script], env=host.environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert made.stdout == "1\n", made.stderr  # the hook does hear of files that are written
