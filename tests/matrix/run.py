"""Run the tests of the runtime's behaviour in FastAPI against one release of each line of FastAPI.

    python tests/matrix/run.py                 every line
    python tests/matrix/run.py 0.100 newest    those whose version starts so

Each line gets a small environment of its own under `.venv-matrix/`, kept from run to run. uv
makes them if it is installed or can be; pip does otherwise. The PostgreSQL server is found as
the tests find it; without one only SQLite is tested.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-matrix"
PYTEST = ("pytest>=8.2", "pytest-asyncio>=0.24", "pytest-timeout>=2.3")
COMPANIONS = (*PYTEST, "uvicorn>=0.30", "asyncpg>=0.31", "aiosqlite")
TESTS = (
    "tests/runtime/test_behaviour.py",
    "tests/runtime/test_implicit_io.py",
    "tests/runtime/test_lazy_response.py",
)
PARALLEL = 3
"""Environments at a time; the tests mostly wait for servers."""


@dataclass(frozen=True)
class Line:
    """One environment: the versions that were current together, on one Python."""

    fastapi: str
    """A version, or "newest"."""
    sqlalchemy: str = ""
    httpx: str = ""
    python: str = ""
    """A minor version to prefer; the running interpreter when it is not installed."""

    def requirements(self) -> list[str]:
        fastapi = "fastapi" if self.fastapi == "newest" else f"fastapi=={self.fastapi}"
        return [fastapi, f"sqlalchemy[asyncio]{self.sqlalchemy}", f"httpx{self.httpx}", *COMPANIONS]


LINES = (
    Line("0.100.1", sqlalchemy="<2.1", httpx="<0.28"),
    Line("0.106.0", sqlalchemy="<2.1", httpx="<0.28"),
    Line("0.115.14", sqlalchemy="<2.1"),
    Line("0.118.3"),
    Line("0.121.3"),
    Line("0.128.8"),
    Line("0.162.5", sqlalchemy="<2.1", python="3.10"),
    Line("newest"),
)


def main() -> int:
    wanted = tuple(sys.argv[1:])
    lines = [line for line in LINES if not wanted or line.fastapi.startswith(wanted)]
    if not lines:
        sys.stderr.write(f"no line starts with {' or '.join(wanted)}\n")
        return 2
    find_uv()
    with ThreadPoolExecutor(PARALLEL) as executor:
        results = list(executor.map(run_line, lines))
    return 0 if all(results) else 1


def run_line(line: Line) -> bool:
    """Prepare the environment, run the tests in it, print one line (and the log of a failure)."""
    started = time.monotonic()
    try:
        python = environment(line)
    except subprocess.CalledProcessError as error:
        say(f"fastapi {line.fastapi:9} could not be installed\n{error.output}")
        return False
    tests = run_tests(python)
    passed = tests.returncode == 0
    seconds = time.monotonic() - started
    summary = tests.stdout.strip().splitlines()[-1] if tests.stdout.strip() else "no output"
    verdict = "ok    " if passed else "FAILED"
    say(f"{verdict} {versions(python)}: {summary} [{seconds:.0f} s in all]")
    if not passed:
        say(tests.stdout + tests.stderr)
    return passed


def environment(line: Line) -> Path:
    """The interpreter of the line's environment, which is made if it is not there yet.

    :raises subprocess.CalledProcessError: the packages cannot be installed.
    """
    folder = ENVIRONMENTS / f"fastapi-{line.fastapi}"
    python = folder / "bin" / "python"
    stamp = folder / ".requirements"
    requirements = "\n".join(line.requirements())
    if line.fastapi != "newest" and stamp.exists() and stamp.read_text() == requirements:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    uv = find_uv()
    if uv is None:
        command([interpreter(line.python), "-m", "venv", str(folder)])
        command([str(python), "-m", "pip", "install", "--quiet", *line.requirements()])
    else:
        command([uv, "venv", "--quiet", "--python", interpreter(line.python), str(folder)])
        target = ["--quiet", "--python", str(python)]
        command([uv, "pip", "install", *target, *line.requirements()])
    stamp.write_text(requirements)
    return python


def interpreter(minor: str) -> str:
    """The installed Python of that minor version, or the running one."""
    program = shutil.which(f"python{minor}") if minor else None
    if program is None:
        return sys.executable
    found = subprocess.run(
        [program, "-c", "import sys; print(sys.executable)"],
        env={**os.environ, "PYENV_VERSION": minor},  # pyenv's shims run nothing unless told what
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() if found.returncode == 0 else sys.executable


@cache
def find_uv() -> str | None:
    """uv of this environment or the PATH, or from an environment of its own, if it can be made."""
    installed = shutil.which("uv", path=Path(sys.executable).parent) or shutil.which("uv")
    if installed:
        return installed
    own = ENVIRONMENTS / "uv"
    program = own / "bin" / "uv"
    if not program.exists():
        try:
            command([sys.executable, "-m", "venv", str(own)])
            command([str(own / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv"])
        except subprocess.CalledProcessError:
            return None
    return str(program)


def run_tests(python: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["-q", "-p", "no:cacheprovider", "-k", "not mariadb"]
    return subprocess.run(
        [str(python), "-m", "pytest", *arguments, *TESTS],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def versions(python: Path) -> str:
    code = (
        "import sys; from importlib.metadata import version; "
        "names = ('fastapi', 'starlette', 'sqlalchemy'); "
        "print(*(f'{name} {version(name)},' for name in names), end=' '); "
        "print(f'python {sys.version_info[0]}.{sys.version_info[1]}')"
    )
    return command([str(python), "-c", code]).strip()


def command(arguments: list[str]) -> str:
    """Run a program; its output.

    :raises subprocess.CalledProcessError: it failed; `output` holds what it said.
    """
    done = subprocess.run(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
    )
    return done.stdout


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
