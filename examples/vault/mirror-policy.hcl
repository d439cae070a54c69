# What the AWS rotation function with a mirror in Vault needs (mirrored-function.yaml), and nothing else.
#
# Replace `secret` by the mount and `mirror` by the folder (LOCKSTEP_VAULT_MIRROR_PREFIX). Each capability is held by a
# test that takes it away. Readers need `read` on a secret's own path alone, not on the journal NAME.lockstep beside it.

# Read the mirror and write it.
path "secret/data/mirror/*" {
  capabilities = ["read", "update"]
}

# Read which source a mirror names, and link a new mirror to its source; `update` would let it take over another's.
path "secret/metadata/mirror/*" {
  capabilities = ["create", "read"]
}

# Revoke the token at the end.
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
