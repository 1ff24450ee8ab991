"""The console: pages that the server renders. They read; whatever they do goes through the API."""

from fastapi import APIRouter

ROUTERS: tuple[APIRouter, ...] = ()
