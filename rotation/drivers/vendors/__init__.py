"""One folder per vendor product. A product knows no store, no other product, no clock and no environment."""
