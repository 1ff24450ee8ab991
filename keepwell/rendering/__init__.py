"""Message templates: found in folders, pinned by content, rendered in a sandbox."""
