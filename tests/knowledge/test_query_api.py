"""The table of `Query` members is complete, and points to methods that exist."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Query
from sqlalchemy.sql import Select

from migrate_async.knowledge import query_refusals
from migrate_async.knowledge.query_api import BULK_STEPS, GET_STEPS, MEMBERS, Kind
from migrate_async.knowledge.query_refusals import Refusal

GONE = {"from_self", "select_entity_from", "with_lockmode", "with_polymorphic"}
REFUSALS = [value for value in vars(query_refusals).values() if isinstance(value, Refusal)]


def test_every_public_member_has_a_row() -> None:
    public = {name for name in dir(Query) if not name.startswith("_")}
    assert public - MEMBERS.keys() == set()


def test_every_row_is_a_member() -> None:
    known = {*dir(Query), *GONE, "session", "ext"}
    assert MEMBERS.keys() - known == set()


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_what_a_member_becomes_exists_on_select(name: str) -> None:
    becomes = MEMBERS[name].becomes.removesuffix("()")
    if becomes and name != "ext":
        assert hasattr(Select, becomes)


@pytest.mark.parametrize(
    "name", sorted(name for name, member in MEMBERS.items() if member.kind is Kind.REFUSE)
)
def test_a_refused_member_says_why_and_what_to_do(name: str) -> None:
    assert MEMBERS[name].reason
    assert MEMBERS[name].advice


def test_sets_of_steps_name_members() -> None:
    assert MEMBERS.keys() >= (BULK_STEPS | GET_STEPS)


def test_codes_are_unique_and_in_their_range() -> None:
    codes = [refusal.code for refusal in REFUSALS]
    assert len(set(codes)) == len(codes)
    assert all("MA100" <= code <= "MA199" for code in codes)


def test_notes_have_the_upper_codes() -> None:
    assert {refusal.code >= "MA180" for refusal in REFUSALS if refusal.is_note} == {True}
    assert {refusal.code >= "MA180" for refusal in REFUSALS if not refusal.is_note} == {False}
