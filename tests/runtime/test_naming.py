"""Table and constraint names."""

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.schema import CreateTable

from migrate_async.runtime.naming import NAMING_CONVENTION, plural, snake_case, table_name


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("User", "user"),
        ("UserProfile", "user_profile"),
        ("HTTPLog", "http_log"),
        ("LogHTTP", "log_http"),
        ("HTTP2Stream", "http2_stream"),
        ("XMLHTTPRequest", "xmlhttp_request"),
        ("UserIDs", "user_ids"),
        ("OAuth2Token", "oauth2_token"),
        ("IPv4Address", "ipv4_address"),
        ("S3Object", "s3_object"),
        ("EC2Instance", "ec2_instance"),
        ("Base64Blob", "base64_blob"),
        ("ABTest", "ab_test"),
        ("user_profile", "user_profile"),
        ("_Private", "private"),
        ("Élan", "élan"),
        ("X", "x"),
    ],
)
def test_snake_case_keeps_abbreviations_and_digits_together(class_name: str, expected: str) -> None:
    assert snake_case(class_name) == expected


@pytest.mark.parametrize(
    ("singular", "expected"),
    [
        ("user", "users"),
        ("category", "categories"),
        ("key", "keys"),
        ("query", "queries"),
        ("address", "addresses"),
        ("status", "statuses"),
        ("bus", "buses"),
        ("alias", "aliases"),
        ("box", "boxes"),
        ("branch", "branches"),
        ("epoch", "epochs"),
        ("quiz", "quizzes"),
        ("photo", "photos"),
        ("hero", "heroes"),
        ("person", "people"),
        ("child", "children"),
        ("analysis", "analyses"),
        ("leaf", "leaves"),
        ("chief", "chiefs"),
        ("salesman", "salesmen"),
        ("human", "humans"),
        ("index", "indexes"),
        ("schema", "schemas"),
    ],
)
def test_plural_of_a_singular(singular: str, expected: str) -> None:
    assert plural(singular) == expected


@pytest.mark.parametrize(
    "word",
    ["users", "settings", "photos", "schemas", "apis", "menus", "people", "data", "news", "dns"],
)
def test_plural_leaves_plurals_and_uncountable_words_alone(word: str) -> None:
    assert plural(word) == word


@pytest.mark.parametrize(
    "word", ["category", "status", "person", "quiz", "address", "leaf", "alias", "index", "menu"]
)
def test_plural_of_a_plural_is_the_plural(word: str) -> None:
    assert plural(plural(word)) == plural(word)


@pytest.mark.parametrize(
    ("class_name", "expected"),
    [
        ("HTTPLog", "http_logs"),
        ("OrderStatus", "order_statuses"),
        ("UserSettings", "user_settings"),
        ("SalesPerson", "sales_people"),
        ("APIKey", "api_keys"),
    ],
)
def test_table_name_has_its_last_word_in_the_plural(class_name: str, expected: str) -> None:
    assert table_name(class_name) == expected


def test_table_name_can_stay_singular() -> None:
    assert table_name("OrderStatus", pluralise=False) == "order_status"


def _orders() -> Table:
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    Table("users", metadata, Column("id", Integer, primary_key=True))
    return Table(
        "orders",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("user_id", ForeignKey("users.id")),
        Column("number", String(20)),
        Column("total", Integer),
        UniqueConstraint("user_id", "number"),
        CheckConstraint("total >= 0", name="not_negative"),
        CheckConstraint("total < 1000"),
        Index(None, "number", "total"),
    )


def test_every_constraint_and_index_gets_a_name() -> None:
    table = _orders()
    names = {str(constraint.name) for constraint in table.constraints}
    names |= {str(index.name) for index in table.indexes}
    assert names == {
        "pk_orders",
        "fk_orders_user_id_users",
        "uq_orders_user_id_number",
        "ck_orders_not_negative",
        "ck_orders_e14e0cca",
        "ix_orders_number_total",
    }


def test_an_unnamed_check_has_the_same_name_on_every_database() -> None:
    ddl = [
        str(CreateTable(_orders()).compile(dialect=d))
        for d in (postgresql.dialect(), mysql.dialect())
    ]
    assert all("CONSTRAINT ck_orders_e14e0cca CHECK (total < 1000)" in text for text in ddl)


def test_two_unnamed_checks_of_a_table_do_not_clash() -> None:
    metadata = MetaData(naming_convention=NAMING_CONVENTION)
    table = Table(
        "t", metadata, Column("a", Integer), CheckConstraint("a > 0"), CheckConstraint("a < 9")
    )
    checks = [c for c in table.constraints if isinstance(c, CheckConstraint)]
    assert len({str(check.name) for check in checks}) == 2


def test_a_name_too_long_for_the_database_is_shortened_the_same_way_each_time() -> None:
    def ddl() -> str:
        metadata = MetaData(naming_convention=NAMING_CONVENTION)
        columns = [Column(f"quite_a_long_column_name_{n}", Integer) for n in range(5)]
        table = Table("t", metadata, *columns, UniqueConstraint(*(c.name for c in columns)))
        return str(CreateTable(table).compile(dialect=postgresql.dialect()))

    name = ddl().split("CONSTRAINT ")[1].split()[0]
    assert len(name) <= 63
    assert name in ddl()
