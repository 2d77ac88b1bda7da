"""`python -m benchmarks.touch ROOT COMMAND...`: change one file below ROOT, run COMMAND, undo it.

The cost of this process, about that of starting Python, is measured too.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """The exit code of the command."""
    root, command = Path(sys.argv[1]), sys.argv[2:]
    path = max(root.rglob("*.py"), key=lambda found: (found.stat().st_size < 20_000, str(found)))
    before = path.read_bytes()
    path.write_bytes(before + b"\n_changed_at = %d\n" % path.stat().st_mtime_ns)
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        path.write_bytes(before)


if __name__ == "__main__":
    sys.exit(main())
