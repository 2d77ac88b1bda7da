"""What the recorder saw, as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from migrate_async.model.comparison import Comparison, Difference, NeedlessLoad
from migrate_async.model.profile import Place
from migrate_async.model.recording import LoadGroup, Recording
from migrate_async.report.page import Page
from migrate_async.report.text import SHORT_LIST, more
from migrate_async.report.words import counted

_SHORT_SQL = 120


def render_recording(found: Recording, page: Page, *, verbose: bool = False) -> None:
    """The sums, N+1 loads, all loads, and the comparison if there is one."""
    page.line((_headline(found), "bold"))
    for environment in found.environments:
        page.line(environment, indent=2)
    for problem in found.problems:
        page.line(f"The recorder failed, something is missing: {problem}", indent=2)
    _loads("N+1 loads", found.repeated, page, verbose=verbose)
    _loads("Lazy loads", found.loads, page, verbose=verbose)
    if found.comparison is not None:
        _comparison(found.comparison, page, verbose=verbose)
    if found.written:
        page.blank()
        page.line(f"Written to {found.written}")


def _headline(found: Recording) -> str:
    attributes = len({load.name for load in found.loads})
    places = len({load.place for load in found.loads})
    executed = f"{counted(found.executions, 'statement')} executed"
    return (
        f"{counted(found.count, 'lazy load')} of {counted(attributes, 'attribute')} at "
        f"{counted(places, 'place')}; {counted(found.tests, 'test')}, {executed}"
    )


def _loads(title: str, loads: Sequence[LoadGroup], page: Page, *, verbose: bool) -> None:
    if not loads:
        return
    page.heading(title)
    shown = loads if verbose else loads[:SHORT_LIST]
    header = ("loads", "most", "tests", "attribute", "at", "of objects from")
    page.columns(map(_row, shown), header=header)
    more(page, len(loads) - len(shown), "line")


def _row(load: LoadGroup) -> tuple[str, ...]:
    kind = "" if load.kind == "relationship" else f" ({load.kind})"
    via = f" ({load.via})" if load.via else ""
    through = f", through {', '.join(load.through)}" if load.through else ""
    return (
        str(load.count),
        str(load.most),
        str(load.tests),
        load.name + kind,
        _where(load.place) + via,
        f"{_PRODUCERS[load.producer]} {_where(load.produced_at)}{through}".strip(),
    )


_PRODUCERS = {"query": "the query at", "new": "new object at", "unknown": "?"}


def _where(place: Place) -> str:
    return f"{place.path}:{place.line}" if place.path else "-"


def _comparison(found: Comparison, page: Page, *, verbose: bool) -> None:
    page.heading("Compared")
    rows = [
        ("tests compared", str(found.compared)),
        ("of them equal", str(found.equal)),
        ("differences", str(len(found.differences))),
        ("of them unexplained", str(len(found.unexplained))),
        ("lazy loads before", str(found.lazy_before)),
        ("lazy loads after", str(found.lazy_after)),
        ("of them awaited", str(found.awaited)),
    ]
    page.columns(rows)
    _missing("Tests that no longer execute anything", found.only_before, page, verbose=verbose)
    _missing("Tests that were not recorded before", found.only_after, page, verbose=verbose)
    _causes(found.differences, page)
    _needless(found.needless, page, verbose=verbose)
    shown = found.differences if verbose else found.unexplained
    _differences(shown, page, verbose=verbose)


def _missing(title: str, tests: Sequence[str], page: Page, *, verbose: bool) -> None:
    if not tests:
        return
    page.heading(title)
    shown = tests if verbose else tests[:SHORT_LIST]
    for test in shown:
        page.line(test or "(outside of tests)", indent=2)
    more(page, len(tests) - len(shown), "test")


def _causes(differences: Sequence[Difference], page: Page) -> None:
    if not differences:
        return
    page.heading("Causes")
    by_cause: dict[tuple[str, str], int] = {}
    for difference in differences:
        key = (difference.cause, difference.reason)
        by_cause[key] = by_cause.get(key, 0) + 1
    ordered = sorted(by_cause.items(), key=lambda item: (-item[1], item[0]))
    page.columns((str(number), cause, reason) for (cause, reason), number in ordered)


def _needless(loads: Sequence[NeedlessLoad], page: Page, *, verbose: bool) -> None:
    if not loads:
        return
    page.heading("Eager loads that no test needed")
    shown = loads if verbose else loads[:SHORT_LIST]
    for load in shown:
        page.line(f"{load.at or '-'}: in {counted(load.tests, 'test')}", indent=2)
        page.line(_short(load.statement, verbose=verbose), indent=4)
    more(page, len(loads) - len(shown), "eager load")


def _differences(differences: Sequence[Difference], page: Page, *, verbose: bool) -> None:
    if not differences:
        return
    page.heading("Differences" if verbose else "Unexplained differences")
    shown = differences if verbose else differences[:SHORT_LIST]
    last = None
    for difference in shown:
        if difference.test != last:
            page.line(difference.test or "(outside of tests)", indent=2)
            last = difference.test
        page.line(_difference(difference), indent=4)
        if difference.before and difference.before != difference.statement:
            page.line(f"before: {_short(difference.before, verbose=verbose)}", indent=6)
        page.line(_short(difference.statement, verbose=verbose), indent=6)
        for when, values in zip(("before", "now"), difference.values, strict=False):
            page.line(f"{when}: {_short(values, verbose=verbose)}", indent=6)
    more(page, len(differences) - len(shown), "difference")


def _difference(difference: Difference) -> str:
    times = f" {difference.count} times" if difference.count > 1 else ""
    at = f" at {difference.at}" if difference.at else ""
    return f"{difference.kind}{times}{at}: {difference.reason} ({difference.cause})"


def _short(sql: str, *, verbose: bool) -> str:
    return sql if verbose or len(sql) <= _SHORT_SQL else f"{sql[: _SHORT_SQL - 3]}..."
