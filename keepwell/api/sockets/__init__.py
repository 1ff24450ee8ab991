"""WebSockets: what changes, pushed to whoever looks at it."""
