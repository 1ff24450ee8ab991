"""All queries of the store, one module per domain."""
