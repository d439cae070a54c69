"""The page for people about many secrets, and the exit codes of commands over them."""
