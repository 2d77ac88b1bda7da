"""Names in the database: snake_case table names, English plurals and a naming convention.

A table name is part of a deployed schema, so the rules below are frozen: a change here would
rename the tables of every project that relies on them. A project which wants another name sets
`__tablename__` on the model.
"""

import hashlib
import re
from typing import Any

from sqlalchemy import CheckConstraint, Table

# Words whose inner capitals do not start a new word.
_COMPOUND = "OAuth|GraphQL|PostgreSQL|MySQL|SQLite|NoSQL|GitHub|GitLab|IPv4|IPv6"

_WORD = re.compile(
    rf"(?:{_COMPOUND})\d*"
    r"|[A-Z]{2,}s(?![^\WA-Z_])"  # a plural abbreviation: IDs, URLs
    r"|[A-Z]+(?=[A-Z][^\WA-Z_0-9])"  # an abbreviation before a word: HTTP in HTTPLog
    r"|[A-Z]?[^\WA-Z_]+"  # a word, its digits included: Base64
    r"|[A-Z]+\d*"  # an abbreviation at the end: LogHTTP, EC2
)

_IRREGULAR = {
    "analysis": "analyses",
    "axis": "axes",
    "basis": "bases",
    "calf": "calves",
    "child": "children",
    "crisis": "crises",
    "criterion": "criteria",
    "datum": "data",
    "diagnosis": "diagnoses",
    "echo": "echoes",
    "epoch": "epochs",
    "foot": "feet",
    "goose": "geese",
    "half": "halves",
    "hero": "heroes",
    "hypothesis": "hypotheses",
    "iris": "irises",
    "knife": "knives",
    "leaf": "leaves",
    "lens": "lenses",
    "life": "lives",
    "loaf": "loaves",
    "man": "men",
    "matrix": "matrices",
    "medium": "media",
    "monarch": "monarchs",
    "mouse": "mice",
    "ox": "oxen",
    "parenthesis": "parentheses",
    "person": "people",
    "phenomenon": "phenomena",
    "potato": "potatoes",
    "quiz": "quizzes",
    "self": "selves",
    "shelf": "shelves",
    "stomach": "stomachs",
    "synopsis": "synopses",
    "tech": "techs",
    "thesis": "theses",
    "thief": "thieves",
    "tomato": "tomatoes",
    "tooth": "teeth",
    "vertex": "vertices",
    "veto": "vetoes",
    "wife": "wives",
    "wolf": "wolves",
    "woman": "women",
}
_PLURALS = frozenset(_IRREGULAR.values())
_UNCOUNTABLE = frozenset(
    [
        "advice",
        "aircraft",
        "chassis",
        "equipment",
        "feedback",
        "furniture",
        "hardware",
        "information",
        "knowledge",
        "luggage",
        "metadata",
        "money",
        "music",
        "news",
        "progress",
        "series",
        "sheep",
        "software",
        "species",
        "staff",
        "traffic",
        "weather",
    ]
)
# Singular although they end like a plural.
_SINGULAR_AS = frozenset({"alias", "atlas", "bias", "canvas", "gas", "pancreas"})
_PLURAL_US = frozenset({"gurus", "menus"})


def snake_case(name: str) -> str:
    """Return `name` in lower case with underscores; an abbreviation counts as one word.

    >>> snake_case("HTTPLog"), snake_case("UserIDs"), snake_case("OAuth2Token")
    ('http_log', 'user_ids', 'oauth2_token')
    """
    return "_".join(_WORD.findall(name)).lower()


def plural(word: str) -> str:
    """Return the plural of a lower-case English noun; a word already plural stays as it is.

    >>> plural("category"), plural("address"), plural("settings"), plural("person")
    ('categories', 'addresses', 'settings', 'people')
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _UNCOUNTABLE or word in _PLURALS or _is_plural(word):
        return word
    if word.endswith("y") and word[-2:-1] not in {"a", "e", "o", "u"}:
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("man") and not word.endswith(("human", "german", "roman")):
        return word[:-2] + "en"
    return word + "s"


def _is_plural(word: str) -> bool:
    """Tell whether a word ending in `s` is a plural rather than a singular like `status`."""
    if _is_abbreviation(word):
        return word.endswith("s")
    if not word.endswith("s") or word.endswith("ss"):
        return False
    if word.endswith("us"):
        return word in _PLURAL_US
    return word not in _SINGULAR_AS


def _is_abbreviation(word: str) -> bool:
    """An abbreviation (css, dns) has no vowel to pronounce and takes no second `s`."""
    return not set(word) & set("aeiouy")


def table_name(class_name: str, *, pluralise: bool = True) -> str:
    """Return the table name of a model class: snake case, the last word in the plural.

    >>> table_name("HTTPLog"), table_name("OrderStatus"), table_name("UserSettings")
    ('http_logs', 'order_statuses', 'user_settings')
    """
    name = snake_case(class_name)
    if not pluralise:
        return name
    head, _, last = name.rpartition("_")
    return f"{head}_{plural(last)}" if head else plural(last)


def _check_constraint_name(constraint: CheckConstraint, _table: Table) -> str:
    """Return the given name of a CHECK, or eight hex digits of its text when it has none.

    SQLAlchemy calls this for the token of the same name. The text is that of the default dialect,
    so the name is the same on every database.
    """
    name: Any = constraint.name
    if isinstance(name, str) and name:
        # As its own `constraint_name` token does, drop the short name: the long one replaces it.
        constraint.name = None
        return str(name)
    text = str(constraint.sqltext.compile(compile_kwargs={"literal_binds": True}))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


# Every constraint gets a name that can be predicted, so that Alembic can drop it later on any
# database. All columns take part: two composite keys may begin with the same column. SQLAlchemy
# shortens a name that is too long for the database, with a hash, the same way each time.
NAMING_CONVENTION: dict[str, Any] = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(check_constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
    "check_constraint_name": _check_constraint_name,
}
