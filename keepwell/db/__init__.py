"""The store: tables, engines, migrations, and all queries in `repositories`."""
