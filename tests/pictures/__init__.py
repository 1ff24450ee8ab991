"""Takes the pictures of docs/emails.md: `make pictures`."""
