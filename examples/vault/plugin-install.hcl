# What `lockstep vault plugin install` needs, and nothing else. Replace `database` by the mount (lockstep.toml: mount).
# Each capability is held by a test that takes it away.

# Register the plug-in, and a newer one; not needed with `register = false`.
path "sys/plugins/catalog/database/*" {
  capabilities = ["read", "update", "sudo"]
}

# Read whether the engine is mounted, and mount it.
path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/mounts/database" {
  capabilities = ["update"]
}

# The vendors' password rules.
path "sys/policies/password/lockstep-*" {
  capabilities = ["read", "update"]
}

# Connections with their admin credentials, which cannot be read back. `list` finds those of other files after a newer
# plug-in has replaced their file.
path "database/config/*" {
  capabilities = ["create", "list", "read", "update"]
}

# The roles; `delete` is for `--prune` alone.
path "database/static-roles/*" {
  capabilities = ["create", "delete", "read", "update"]
}
