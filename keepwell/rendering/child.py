"""The process in which templates render that are not Keepwell's own. `keepwell.rendering.apart` starts it.

It reads a line of JSON from its input and answers with one, until the input ends. It knows no settings and
no store: what a template might get at here is what it is given anyway.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import sys
import threading
import time
from typing import Any, BinaryIO

from keepwell.contracts.rendering import Context
from keepwell.errors import ConfigurationError
from keepwell.rendering.bundle import Bundle
from keepwell.rendering.check import check_bundle
from keepwell.rendering.limits import CHECK_CPU_SECONDS, CPU_SECONDS, MEMORY_MB
from keepwell.rendering.render import render

OUT_OF_MEMORY = 77
"""The exit code that says so."""

_MIB = 1024 * 1024


def main() -> None:
    """Answer until the input ends."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory()
    _answer(replies, {"ready": True})
    for line in requests:
        request = json.loads(line)
        _limit_time(CHECK_CPU_SECONDS if request["do"] == "check" else CPU_SECONDS)
        try:
            reply = _reply(request)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        _answer(replies, reply)


def _reply(request: dict[str, Any]) -> dict[str, Any]:
    shown = request["to_customers"]
    try:
        bundle = Bundle(name=request["name"], files=request["files"])
        if request["do"] == "check":
            check_bundle(bundle, to_customers=shown)
            return {"done": None}
        context = Context.model_validate(request["context"])
        return {"done": render(bundle, context, to_customers=shown).model_dump(mode="json")}
    except ConfigurationError as error:
        return {"error": error.message, "hint": error.hint}
    except MemoryError:
        raise
    except RecursionError:
        return {"error": f"Template {request['name']} is nested too deep, or includes itself.", "hint": ""}
    except BaseException as error:
        # Also a panic of mrml, which is no Exception: whatever goes wrong is the template's.
        return {
            "error": f"Template {request['name']} fails: {type(error).__name__}: {error}."[:500],
            "hint": "",
        }


def _answer(replies: BinaryIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
    replies.flush()


def _limit_memory() -> None:
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_FSIZE, 0)
    size = _address_space()
    if size is None or not _set(resource.RLIMIT_AS, size + MEMORY_MB * _MIB):
        # macOS knows no such limit: what is in use is looked at instead.
        threading.Thread(target=_watch_memory, daemon=True).start()


def _limit_time(seconds: int) -> None:
    """Computing time from now on; at the limit the system ends the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    # One second more, as the limit is in whole seconds.
    limit = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _set(kind: int, limit: int) -> bool:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (limit, limit))
        return True
    return False


def _address_space() -> int | None:
    """Bytes of address space in use; None where the system does not say."""
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()
    return None


def _watch_memory() -> None:
    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit + MEMORY_MB * _MIB
    while resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < most:
        time.sleep(0.02)
    os._exit(OUT_OF_MEMORY)


if __name__ == "__main__":
    main()
