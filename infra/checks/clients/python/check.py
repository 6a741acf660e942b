"""Prints what was tried: `ok WHAT`, or `failed WHAT: WHY`."""

import os
import sys

EDGE = os.environ.get("PENSTOCK_EDGE", "")
KEY = os.environ.get("PENSTOCK_KEY", "")
_failed = []


def check(what):
    """Decorates what is tried at once; it raises when it does not work."""

    def run(go):
        try:
            go()
            print(f"ok  {what}", flush=True)
        except Exception as cause:  # whatever a client raises is what is told
            why = f"{type(cause).__name__} {cause}".replace("\n", " ")[:300]
            print(f"failed  {what}: {why}", flush=True)
            _failed.append(what)
        return go

    return run


def refuses(error, go):
    """Raises unless `go` raises this error."""
    try:
        go()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def end():
    """Exits with 1 if anything failed."""
    sys.exit(1 if _failed else 0)
