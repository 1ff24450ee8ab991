"""`keepwell doctor`: looks at everything an installation stands on, and changes nothing."""
