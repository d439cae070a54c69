"""What the products of one vendor share: how a request is signed and how an answer is read."""
