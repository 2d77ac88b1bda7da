"""The files of a new Alembic environment, as text. Imports nothing but the standard library."""

from __future__ import annotations

from importlib.resources import files
from string import Template

_TEMPLATES = {
    "alembic.ini": "alembic.ini.template",
    "{folder}/env.py": "env.py.template",
    "{folder}/script.py.mako": "script.py.mako",
    "{folder}/versions/.gitkeep": None,
}


def alembic_files(metadata: str, *, folder: str = "migrations") -> dict[str, str]:
    """Return the files to write, by path relative to the root of the project.

    :param metadata: where the tables are: `app.models:Base.metadata`.
    :param folder: where `env.py` goes, relative, with forward slashes.
    :raises ValueError: `metadata` is not of the form `module:name` or `module:name.attribute`.
    """
    module, _, attribute = metadata.partition(":")
    parts = [*module.split("."), *attribute.split(".")]
    if not all(part.isidentifier() for part in parts):
        raise ValueError(f"{metadata!r} is not of the form 'package.module:Base.metadata'")
    values = {
        "folder": folder,
        "module": module,
        "name": attribute.split(".")[0],
        "attribute": attribute,
    }
    return {
        path.format(folder=folder): _render(template, values)
        for path, template in _TEMPLATES.items()
    }


def _render(template: str | None, values: dict[str, str]) -> str:
    if template is None:
        return ""
    folder = files("migrate_async.runtime") / "templates"
    text = (folder / template).read_text("utf-8")
    # The .mako file is a template of Alembic's own, with the same dollar signs.
    return text if template.endswith(".mako") else Template(text).substitute(values)
