"""How the matrix runs every fault, and checks the promises after each run."""
