"""What is reached over HTTP: by providers, by customers, by their browsers."""
