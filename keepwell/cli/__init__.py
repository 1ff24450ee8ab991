"""The command line: `keepwell …`. One module per topic; tables and JSON come out of `output`."""
