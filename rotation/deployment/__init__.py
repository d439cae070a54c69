"""What a deployment allows, and how an account document becomes a guarded driver."""
