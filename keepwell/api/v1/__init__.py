"""The JSON API under `/api/v1`, and the paths that the seeds' clients know."""

from fastapi import APIRouter

ROUTERS: tuple[APIRouter, ...] = ()
