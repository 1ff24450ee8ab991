"""The data converter every client, worker and replayer of Keepwell uses.

It writes NaN and infinity as null, which a run then cannot read back: contracts allow finite floats only.
"""

from __future__ import annotations

from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter

DATA_CONVERTER: DataConverter = pydantic_data_converter
