"""The demo: a made-up portfolio in a home of its own, with the real engine behind it."""
