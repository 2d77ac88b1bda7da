"""The console script: start the command line, or say what is missing for it."""

from __future__ import annotations

import atexit
import gc
import sys
from importlib.util import find_spec

_TOOLS = ("click", "libcst", "msgspec", "pathspec", "rich")
"""What the extra `tools` installs; the runtime alone works without."""


def main() -> None:
    """Run `migrate-async` with the arguments of this process and exit."""
    missing = [name for name in _TOOLS if find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"migrate-async: the command line needs {', '.join(missing)}, not installed here.\n"
            'Install it with: pip install "migrate-async[tools]"\n'
        )
        sys.exit(2)
    # Nearly all that a command makes stays until its end: looking through it for cycles, again and
    # again, took a tenth of the time. What goes on for longer switches the collector on again.
    # The interpreter looks once more when it ends: not through what is there then.
    gc.disable()
    atexit.register(gc.freeze)
    from migrate_async.cli.main import cli  # noqa: PLC0415 - needs what was looked for above

    cli.main(prog_name="migrate-async")


if __name__ == "__main__":
    main()
