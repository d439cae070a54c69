# What `lockstep vault plugin rotate` and `status` need, and nothing else. Replace `database` by the mount.
# Each capability is held by a test that takes it away.

# Read when a role was rotated, and make it due.
path "database/static-roles/*" {
  capabilities = ["read", "update"]
}

# Compare the stored password with the vendor; `rotate` alone does not need this.
path "database/static-creds/*" {
  capabilities = ["read"]
}
