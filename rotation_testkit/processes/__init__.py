"""The product in processes of its own, some of which are killed on purpose."""
