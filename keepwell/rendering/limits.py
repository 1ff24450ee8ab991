"""The limits under which templates render that did not come with Keepwell."""

from __future__ import annotations

CPU_SECONDS = 2
"""Computing time of one message, in seconds; ours take a few hundredths."""
CHECK_CPU_SECONDS = 8
"""The same of a check, which renders with every sample."""
WALL_SECONDS = 20.0
"""How long one message may take by the clock: longer than its computing time on a busy machine."""
START_SECONDS = 60.0
"""How long the process may take to start, by the clock; it loads in less than a second."""
MEMORY_MB = 256
"""Memory, in MiB, beyond what the process has once it is loaded."""
REPLY_BYTES = 16_000_000
"""The longest answer that is read."""
FILE_CHARACTERS = 200_000
"""Characters of a template's file; ours have fewer than 5,000."""
BUNDLE_FILES = 100
"""Files of a template together with all it includes; ours have fewer than 20."""
