# What a rotation job needs, and nothing else, for `lockstep vault run --prefix prod/apps`.
#
# Replace `secret` by the mount and `prod/apps` by the folder of the secrets. Name each admin credential that the job uses
# (LOCKSTEP_<DRIVER>_ADMIN_SECRET) by its whole path. Each capability is held by a test that takes it away.
# Readers of a secret need `read` on its own path alone: the journal beside it, NAME.lockstep, is not for them.

# Read the current value, commit the next one and write the journal; `create` is for a journal's first version.
path "secret/data/prod/apps/*" {
  capabilities = ["create", "read", "update"]
}

# Find the secrets, and read their schedules from the custom metadata.
path "secret/metadata/prod/apps/*" {
  capabilities = ["list", "read"]
}

# The admin credential of one driver; a rule like this for each further one, and never the whole folder.
path "secret/data/prod/admin/ucloud_compshare" {
  capabilities = ["read"]
}

# Renew the job's own token while a long run lasts.
path "auth/token/renew-self" {
  capabilities = ["update"]
}

# Revoke the token at the end. A job that gets its token from Nomad or an agent does not need this.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
