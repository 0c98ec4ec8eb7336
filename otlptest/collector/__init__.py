"""The fake collector: receivers, the store, and what a test sees of them."""
