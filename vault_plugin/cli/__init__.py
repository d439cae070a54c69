"""``lockstep vault``: commands of the rotation job over KV version 2, and of the database plug-in."""

from __future__ import annotations

import typer

from vault_plugin.cli.cancel import cancel
from vault_plugin.cli.check import doctor, verify
from vault_plugin.cli.enroll import enroll
from vault_plugin.cli.mirror import mirror
from vault_plugin.cli.plugin import plugin_app
from vault_plugin.cli.rotate import rotate
from vault_plugin.cli.run import run
from vault_plugin.cli.status import status

_HELP = """Rotate secrets in Vault or OpenBao.

VAULT_ADDR (or BAO_ADDR), VAULT_TOKEN and VAULT_NAMESPACE name the server and the token. LOCKSTEP_VAULT_AUTH chooses
another login method. The configuration is lockstep.toml or LOCKSTEP_* variables, as for the AWS function.
"""

vault_app = typer.Typer(name="vault", help=_HELP, no_args_is_help=True)
vault_app.command("enroll")(enroll)
vault_app.command("rotate")(rotate)
vault_app.command("run")(run)
vault_app.command("status")(status)
vault_app.command("verify")(verify)
vault_app.command("doctor")(doctor)
vault_app.command("cancel")(cancel)
vault_app.command("mirror")(mirror)
vault_app.add_typer(plugin_app, name="plugin")
