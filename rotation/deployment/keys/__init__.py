"""Keys that a deployment holds: those of admin credentials, and that of the candidates' seals."""
