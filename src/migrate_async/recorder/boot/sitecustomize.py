"""Start the recorder in every Python process of a recorded command.

`migrate-async record` puts this folder first on PYTHONPATH. The application's own `sitecustomize`,
if there is one, runs as if this one were not there.
"""

import importlib
import importlib.util
import os
import sys

NAME = "_migrate_async_recorder"


def _start(here: str) -> None:
    package = os.path.dirname(here)
    spec = importlib.util.spec_from_file_location(
        NAME, os.path.join(package, "__init__.py"), submodule_search_locations=[package]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no recorder in {package}")
    recorder = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = recorder
    spec.loader.exec_module(recorder)
    importlib.import_module(NAME + ".start").start(os.environ)


def _chain(here: str) -> None:
    """Import the `sitecustomize` that this one hides."""
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    hiding = sys.modules.pop("sitecustomize", None)
    try:
        importlib.import_module("sitecustomize")
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        if hiding is not None:
            sys.modules["sitecustomize"] = hiding


def _run() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        _start(here)
    except Exception as error:  # noqa: BLE001 - the application runs, recorded or not
        sys.stderr.write(f"migrate-async: the recorder did not start: {error!r}\n")
    _chain(here)


_run()
