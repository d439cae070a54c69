"""One module per vendor product. A driver knows no store, no other driver, no clock and no environment."""
