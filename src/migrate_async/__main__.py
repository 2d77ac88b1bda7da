"""The console script: start the command line, or say what is missing for it."""

from __future__ import annotations

import sys

_TOOLS = frozenset({"click", "msgspec", "rich"})


def main() -> None:
    """Run `migrate-async` with the arguments of this process and exit."""
    try:
        from migrate_async.cli.main import cli  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _TOOLS:
            raise
        sys.stderr.write(
            f"migrate-async: the command line needs `{error.name}`, which is not installed.\n"
            'Install it with: pip install "migrate-async[tools]"\n'
        )
        sys.exit(2)
    cli.main(prog_name="migrate-async")


if __name__ == "__main__":
    main()
