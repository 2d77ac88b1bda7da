"""The SQL of tests before and after: what differs, and why."""

from __future__ import annotations

import pytest

from migrate_async.model.profile import (
    VARIES,
    Execution,
    LazyLoad,
    Profile,
    RecordedTest,
    statement_key,
)
from migrate_async.model.profile_merge import merge
from migrate_async.recording.comparing.compare import compare
from migrate_async.recording.comparing.normal import comparable, is_write, tables

TEST = "tests/test_books.py::test_one"
AUTHORS = "SELECT authors.id FROM authors WHERE authors.name = ?"
LABELLED = "SELECT authors.id AS authors_id FROM authors WHERE authors.name = ?"
BOOKS = "SELECT books.id FROM books WHERE ? = books.author_id"
BOOKS_IN = "SELECT books.author_id, books.id FROM books WHERE books.author_id IN (?, ?)"
JOINED = (
    "SELECT authors.id, books_1.id AS id_1 FROM authors "
    "LEFT OUTER JOIN books AS books_1 ON authors.id = books_1.author_id WHERE authors.name = ?"
)
INSERT = "INSERT INTO authors (name) VALUES (?)"
UPDATE = "UPDATE authors SET name=? WHERE authors.id = ?"


def run(
    sql: str, *values: str, cause: str = "", at: str = "app/crud.py:1"
) -> tuple[str, Execution]:
    rows = (values,) if values else ()
    return sql, Execution(statement=statement_key(sql), parameters=rows, cause=cause, at=at)


def profile(*runs: tuple[str, Execution], stable: bool = True, test: str = TEST) -> Profile:
    return Profile(
        tests=(RecordedTest(test, tuple(execution for _, execution in runs), stable),),
        statements={statement_key(sql): sql for sql, _ in runs},
    )


def causes(before: Profile, after: Profile) -> list[tuple[str, str]]:
    return [(found.kind, found.cause) for found in compare(before, after).differences]


ANN = run(AUTHORS, '"Ann"')
LAZY = [run(BOOKS, str(number), cause="lazy") for number in (1, 2)]
EAGER = run(BOOKS_IN, "1", "2", cause="eager")
COMMIT = run("COMMIT")
ROLLBACK = run("ROLLBACK")
NEW = run(INSERT, '"Dan"')


def test_equal_tests() -> None:
    found = compare(profile(ANN, NEW, COMMIT), profile(ANN, NEW, COMMIT))
    assert (found.compared, found.equal) == (1, 1)
    assert found.is_clean


def test_labels_of_columns_make_no_difference() -> None:
    assert causes(profile(run(LABELLED, '"Ann"')), profile(ANN)) == []


def test_reads_may_come_in_another_order() -> None:
    assert causes(profile(ANN, *LAZY), profile(*LAZY, ANN)) == []


@pytest.mark.parametrize("end", [COMMIT, ROLLBACK])
def test_the_end_of_a_transaction_without_writes_makes_no_difference(
    end: tuple[str, Execution],
) -> None:
    assert causes(profile(ANN, end), profile(ANN)) == []
    assert causes(profile(NEW, COMMIT, ANN), profile(NEW, COMMIT, end, ANN)) == []


def test_a_lost_commit_is_found() -> None:
    before, after = profile(NEW, COMMIT, ANN), profile(NEW, ANN, ROLLBACK)
    assert ("lost", "unexplained") in causes(before, after)
    assert not compare(before, after).is_clean


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ([NEW, COMMIT], [COMMIT], "lost"),
        ([ANN], [ANN, ANN], "added"),
        ([ANN, ANN], [ANN], "lost"),
        ([ANN], [run(AUTHORS, '"Bob"')], "parameters"),
        ([NEW, COMMIT], [run(INSERT, '"Bob"'), COMMIT], "parameters"),
        ([ANN], [run(AUTHORS)], "parameters"),
    ],
)
def test_what_has_no_known_cause(
    before: list[tuple[str, Execution]], after: list[tuple[str, Execution]], kind: str
) -> None:
    assert (kind, "unexplained") in causes(profile(*before), profile(*after))


def test_writes_have_to_be_in_order() -> None:
    change = run(UPDATE, '"Eve"', "1", at="app/crud.py:2")
    found = causes(profile(NEW, change, COMMIT), profile(change, NEW, COMMIT))
    assert sorted(found) == [("added", "unexplained"), ("lost", "unexplained")]


def test_other_parameters_are_shown() -> None:
    (found,) = compare(profile(ANN), profile(run(AUTHORS, '"Bob"'))).differences
    assert found.values == ('("Ann")', '("Bob")')


@pytest.mark.parametrize(
    ("one", "other"), [("<uuid 1>", "<uuid 7>"), (VARIES, "3"), ("<now>", "<now>")]
)
def test_values_that_cannot_be_equal(one: str, other: str) -> None:
    assert causes(profile(run(AUTHORS, one)), profile(run(AUTHORS, other))) == []


def test_an_eager_load_in_place_of_lazy_ones() -> None:
    added, lost = compare(profile(ANN, *LAZY), profile(ANN, EAGER)).differences
    assert (added.kind, added.cause, added.count) == ("added", "eager-load", 1)
    assert (lost.kind, lost.cause, lost.count) == ("lost", "eager-load", 2)


def test_an_eager_load_of_what_was_not_touched() -> None:
    assert causes(profile(ANN), profile(ANN, EAGER)) == [("added", "needless-eager-load")]


def test_an_eager_load_of_something_else_does_not_explain_a_lost_load() -> None:
    other = run("SELECT pages.id FROM pages WHERE pages.book_id IN (?)", "1", cause="eager")
    found = causes(profile(ANN, LAZY[0]), profile(ANN, other))
    assert ("lost", "unexplained") in found


def test_an_eager_load_by_join() -> None:
    found = causes(profile(ANN, LAZY[0]), profile(run(JOINED, '"Ann"')))
    assert found == [("changed", "joined-eager-load"), ("lost", "eager-load")]


@pytest.mark.parametrize("is_added", [True, False])
def test_a_limit(is_added: bool) -> None:
    short, long = profile(ANN), profile(run(f"{AUTHORS} LIMIT ? OFFSET ?", '"Ann"', "1", "0"))
    pair = (short, long) if is_added else (long, short)
    assert causes(*pair) == [("changed", "limit")]


@pytest.mark.parametrize("values", [('"Bob"', "1"), ('"Ann"', "10")])
def test_a_limit_does_not_hide_other_parameters(values: tuple[str, ...]) -> None:
    limited = run(f"{AUTHORS} LIMIT ?", *values)
    assert ("changed", "limit") not in causes(profile(ANN), profile(limited))


def test_get_finds_what_an_eager_load_has_fetched() -> None:
    get = run("SELECT books.id FROM books WHERE books.id = ?", "1", cause="get")
    found = causes(profile(ANN, *LAZY, get), profile(ANN, EAGER))
    assert ("lost", "in-the-session") in found
    assert causes(profile(ANN, get), profile(ANN)) == [("lost", "unexplained")]


@pytest.mark.parametrize("cause", ["lazy", "refresh"])
def test_values_are_kept_after_a_commit(cause: str) -> None:
    again = run(AUTHORS, "1", cause=cause)
    assert causes(profile(NEW, COMMIT, again), profile(NEW, COMMIT)) == [
        ("lost", "kept-after-commit")
    ]
    assert causes(profile(again, NEW, COMMIT), profile(NEW, COMMIT)) == [("lost", "unexplained")]


def test_a_refresh_after_the_commit() -> None:
    refresh = run(AUTHORS, "1", cause="refresh")
    assert causes(profile(NEW, COMMIT), profile(NEW, COMMIT, refresh)) == [("added", "refresh")]
    assert causes(profile(NEW, COMMIT), profile(refresh, NEW, COMMIT)) == [("added", "unexplained")]


def test_tables_that_were_made_at_import() -> None:
    create = run("CREATE TABLE authors (id INTEGER)")
    look = run('PRAGMA main.table_info("authors")')
    before = merge([profile(ANN), profile(look, create, COMMIT, test="")])
    assert causes(before, profile(look, create, COMMIT, ANN)) == [
        ("added", "moved-into-test"),
        ("added", "moved-into-test"),
        ("added", "moved-into-test"),
    ]
    assert causes(before, profile(NEW, COMMIT, ANN)) == [
        ("added", "unexplained"),
        ("added", "unexplained"),
    ]


def test_a_test_that_is_not_stable_proves_nothing() -> None:
    assert causes(profile(ANN, stable=False), profile(NEW)) == [
        ("added", "unstable"),
        ("lost", "unstable"),
    ]


def test_equal_differences_are_counted() -> None:
    (found,) = compare(profile(ANN), profile(ANN, EAGER, EAGER)).differences
    assert found.count == 2


def test_tests_of_one_side() -> None:
    found = compare(profile(ANN, test="a"), profile(ANN, test="b"))
    assert (found.only_before, found.only_after, found.compared) == (("a",), ("b",), 0)
    assert not found.is_clean
    assert compare(profile(ANN, test=""), profile(test="")).compared == 0


def test_lazy_loads_are_counted() -> None:
    before = Profile(loads=(LazyLoad(model="m.A", attribute="b", count=3),))
    after = Profile(
        loads=(
            LazyLoad(model="m.A", attribute="b", via="awaitable_attrs", count=2),
            LazyLoad(model="m.A", attribute="c"),
        )
    )
    found = compare(before, after)
    assert (found.lazy_before, found.lazy_after, found.awaited) == (3, 1, 2)


@pytest.mark.parametrize(
    ("query", "statement"),
    [
        (
            "SELECT count(*) AS count_1 FROM (SELECT a.id AS a_id FROM a) AS anon_1",
            "SELECT count(*) AS count_1 FROM (SELECT a.id AS id FROM a) AS anon_1",
        ),
        (
            "SELECT anon_1.a_id AS anon_1_a_id FROM (SELECT a.id AS a_id FROM a) AS anon_1",
            "SELECT anon_1.id FROM (SELECT a.id AS id FROM a) AS anon_1",
        ),
        ('SELECT "user".id AS user_id FROM "user"', 'SELECT "user".id FROM "user"'),
    ],
)
def test_comparable_texts(query: str, statement: str) -> None:
    assert comparable(query) == comparable(statement)


@pytest.mark.parametrize(
    ("query", "statement"),
    [
        ("SELECT a.id AS x FROM a", "SELECT a.name AS x FROM a"),
        ("SELECT a.id FROM a", "SELECT a.id FROM b"),
        ("SELECT a.id FROM a AS a_1", "SELECT a.id FROM a AS a_2"),
    ],
)
def test_texts_that_are_not_comparable(query: str, statement: str) -> None:
    assert comparable(query) != comparable(statement)


def test_tables() -> None:
    assert tables(JOINED) == {"authors", "books"}
    assert tables('SELECT 1 FROM app."order" JOIN b ON 1') == {'app."order"', "b"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (INSERT, True),
        (AUTHORS, False),
        ("CREATE TABLE a (id INTEGER)", True),
        ("WITH x AS (DELETE FROM a RETURNING a.id) SELECT 1", True),
        ("WITH x AS (SELECT 1) SELECT 1", False),
    ],
)
def test_writes(sql: str, expected: bool) -> None:
    assert is_write(sql) is expected


def test_an_eager_load_that_one_test_needs_is_not_needless() -> None:
    many = run(BOOKS_IN.replace("?, ?", "?, ?, ?"), "1", "2", "3", cause="eager")
    before = merge([profile(ANN, *LAZY), profile(ANN, test="tests/test_books.py::test_two")])
    after = merge([profile(ANN, EAGER), profile(ANN, many, test="tests/test_books.py::test_two")])
    found = compare(before, after)
    assert [item.cause for item in found.differences].count("needless-eager-load") == 1
    assert found.needless == ()


def test_an_eager_load_that_no_test_needs_is_listed() -> None:
    two = "tests/test_books.py::test_two"
    before = merge([profile(ANN), profile(run(LABELLED, '"Ann"'), test=two)])
    after = merge([profile(ANN, EAGER), profile(run(JOINED, '"Ann"'), test=two)])
    found = compare(before, after)
    listed = {(load.at, load.statement, load.tests) for load in found.needless}
    assert listed == {("app/crud.py:1", BOOKS_IN, 1), ("app/crud.py:1", JOINED, 1)}
    assert found.is_clean


def test_a_text_is_the_integer_that_a_column_is_compared_with() -> None:
    one = run("SELECT users.id AS users_id FROM users WHERE users.id = ? LIMIT ?", '"7"', "1")
    other = run("SELECT users.id FROM users WHERE users.id = ?", "7")
    assert causes(profile(one), profile(other)) == [("changed", "limit")]
    third = run("SELECT users.id FROM users WHERE users.id = ?", "8")
    assert causes(profile(one), profile(third)) != [("changed", "limit")]


def test_a_query_is_not_taken_for_the_refresh_that_reads_alike() -> None:
    """The legacy query had a LIMIT; after the commit the object was read anew, without one."""
    by_key = "SELECT users.id, users.name FROM users WHERE users.id = ?"
    first = run(f"{by_key} LIMIT ?", "7", "1")
    anew = run(by_key, "7", cause="refresh")
    found = causes(profile(first, NEW, COMMIT, anew), profile(run(by_key, "7"), NEW, COMMIT))
    assert found == [("changed", "limit"), ("lost", "kept-after-commit")]


def test_a_limit_is_not_gone_from_a_refresh() -> None:
    by_key = "SELECT users.id, users.name FROM users WHERE users.id = ?"
    first = run(f"{by_key} LIMIT ?", "7", "1")
    after = profile(NEW, COMMIT, run(by_key, "7", cause="refresh"), run(by_key, "7"))
    found = causes(profile(NEW, COMMIT, first), after)
    assert sorted(found) == [("added", "refresh"), ("changed", "limit")]
