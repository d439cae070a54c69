"""What a rotation must remember: labels on versions, the lease, and the contract of a store."""
