# What `lockstep vault plugin rotate` and `status` need, and nothing else. Replace `database` by the mount.
# Each capability is held by a test that takes it away.

# See when a role was rotated, and make it due.
path "database/static-roles/*" {
  capabilities = ["read", "update"]
}

# Compare what is stored with what the vendor takes; `rotate` alone does without.
path "database/static-creds/*" {
  capabilities = ["read"]
}
