"""The fake collector: receivers, the store, and the views of tests."""
