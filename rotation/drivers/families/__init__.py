"""What the products of one vendor share: how a request is signed, sent and answered."""
