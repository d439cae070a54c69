"""What the canary hears of processes that nobody in this process started."""

import subprocess
import sys

from rotation_testkit.canary.audit import arguments_of_children

_CODE = "import sys; print(flush=True); sys.stdin.read()"


def test_the_arguments_of_a_childs_child_are_heard():
    """The arguments of a command's own child are seen while it runs: everybody on the machine can read them."""
    command = ["sh", "-c", '"$0" -c "$1" "$2"; true', sys.executable, _CODE, "inner-argument"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()  # its child runs
        heard = [each for each in arguments_of_children() if "inner-argument" in each]
        child.communicate(b"", timeout=60)
    outer, inner = heard
    assert outer.startswith("sh ")
    assert inner.startswith(sys.executable)
    assert not [each for each in arguments_of_children() if "inner-argument" in each]
