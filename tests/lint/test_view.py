"""Rules share what they ask for, and a view of one file shares with the view of all."""

from __future__ import annotations

from migrate_async.lint.view import View
from support.projects import project

FILES = {"app/a.py": "def one(): ...\n", "app/b.py": "def two(): ...\n"}


class Names:
    """An analysis that asks for another one."""

    def __init__(self, view: View) -> None:
        self.number = view.analysis(count)


def count(view: View) -> int:
    return len(view.project.modules)


def test_an_analysis_is_made_once() -> None:
    view = View(project(FILES))
    assert view.analysis(Names).number == len(FILES)
    assert view.analysis(Names) is view.analysis(Names)


def test_a_view_of_one_file_makes_nothing_anew() -> None:
    whole = View(project(FILES))
    module = whole.project.modules["app.a"]
    part = whole.only(module)
    late = part.analysis(Names)
    assert whole.analysis(Names) is late
    assert [m.path for m in part.modules] == ["app/a.py"]
    assert len(whole.modules) == len(FILES)
