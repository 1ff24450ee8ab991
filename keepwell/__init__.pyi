from keepwell.client import AsyncClient as AsyncClient
from keepwell.client import Client as Client

__version__: str
