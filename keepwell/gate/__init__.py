"""When a message may go: clocks, calendars and priorities. Pure computing, no database."""
