"""Why a query is left as it is, or needs a look: the codes MA100 to MA199.

`text` is a format string; what fills it is named in braces. Codes are permanent.
"""

from __future__ import annotations

from dataclasses import dataclass

from migrate_async.model.diagnostic import Severity


@dataclass(frozen=True)
class Refusal:
    """A stable code, its one-line message and what to do next.

    A `note` does not keep the query from being translated.
    """

    code: str
    text: str
    next_step: str
    severity: str = Severity.WARNING.value

    @property
    def is_note(self) -> bool:
        return self.severity == Severity.NOTE.value


CONNECTED = Refusal(
    "MA100",
    "left as it is together with the query at {place}",
    "resolve that one; this query follows",
)
NO_COUNTERPART = Refusal(
    "MA101",
    "`Query.{member}` has no counterpart on `select()`: {reason}",
    "{advice}",
)
UNKNOWN_MEMBER = Refusal(
    "MA102",
    "`.{member}` is not a method of `Query`: it comes from a subclass or a plug-in",
    "write it as a function that takes a statement",
)
UNKNOWN_ENTITIES = Refusal(
    "MA103",
    "cannot tell what `{text}` selects: an entity gives objects, anything else gives rows",
    "annotate it, for example `model: type[Base]`",
)
AFTER_LIMIT = Refusal(
    "MA104",
    "`.{member}()` after `limit()` or `offset()`: `Query` raises, `select()` would put it inside",
    "call it before `limit()`",
)
AFTER_SET = Refusal(
    "MA105",
    "`.{member}()` after `{operation}()` is about the union as a whole",
    "name the union: `aliased(Model, union(...).subquery())`",
)
BULK_CHAIN = Refusal(
    "MA106",
    "`.{member}()` after `.{other}()`: a bulk statement takes criteria only",
    "put the conditions into `where()`",
)
ESCAPES = Refusal(
    "MA107",
    "the query goes where its use cannot be seen: {where}",
    "execute it here, or hand it to a function of the project with an annotated parameter",
)
NO_SESSION = Refusal(
    "MA108",
    "the query is executed where its session cannot be named",
    "pass the session along with the query",
)
TRUTH = Refusal(
    "MA109",
    "the truth value of a query is always true; `select()` refuses to have one",
    "ask for `is not None`, or for the rows",
)
SHAPES = Refusal(
    "MA110",
    "the query may give objects on one path and rows on another",
    "make two queries of it",
)
NEGATIVE_SLICE = Refusal(
    "MA111",
    "a negative index or bound on a query raises `IndexError`",
    "sort the other way round",
)
ROW_KEYS = Refusal(
    "MA112",
    "`{attribute}` of rows with unlabelled or equally named columns has other keys with `select()`",
    "give each column a `.label()`",
)
LABEL_STRING = Refusal(
    "MA113",
    "`{text}` is a label that only `Query` makes",
    "order by the attribute",
)
FILTER_BY_TARGET = Refusal(
    "MA114",
    "which entity `filter_by()` filters here depends on the SQLAlchemy version",
    "write `where(Model.attribute == value)`",
)
GET_AFTER = Refusal(
    "MA115",
    "`.get()` after `.{other}()`: `Query` raises",
    "filter by the primary key instead",
)
WITH_PARENT = Refusal(
    "MA116",
    "`with_parent()` without a relationship guesses one",
    "name the relationship: `with_parent(instance, Model.relationship)`",
)
CUSTOM_QUERY = Refusal(
    "MA117",
    "{what} ties this code to the class `Query`",
    "write a function that takes and gives a statement",
)
ENGINE_EXECUTE = Refusal(
    "MA119",
    "`engine.execute()` is gone and its result is used beyond this statement",
    "open a connection: `with engine.begin() as connection:`",
)
DYNAMIC = Refusal(
    "MA120",
    '`{text}` is a `lazy="dynamic"` relationship of an object that may be a new one: reading it'
    " talks to the database",
    'load the object in this function, or use `lazy="write_only"`',
)
MODEL_QUERY = Refusal(
    "MA121",
    "`{text}` takes its session from a registry that has no async counterpart",
    "write `select(Model)` and execute it on a session",
)
MULTIPARAMS = Refusal(
    "MA122",
    "`execute()` takes its parameters as one dict or a list of dicts",
    "name the parameters in the statement and pass a dict",
)
FROM_STATEMENT = Refusal(
    "MA123",
    "`.{member}()` together with `from_statement()` has no counterpart",
    "put it into the statement itself",
)
WHOLE_TABLE = Refusal(
    "MA124",
    "whether the query has criteria when `.{member}()` runs depends on the path taken",
    "build the statement with `{member}(Model).where(...)` on each path",
)
UNNAMED_ENTITY = Refusal(
    "MA125",
    "the entity of the query has no name here that `.{member}()` could use",
    "call `.{member}()` where the query is made",
)
SECOND_FROM = Refusal(
    "MA126",
    "a second `select_from()` replaces the first one nowhere but is refused by `Query`",
    "pass all of them in one call",
)
OUT_OF_PLACE = Refusal(
    "MA127",
    "the query runs in {place}, where nothing can be awaited",
    "move it into the function's body",
)
PAGE = Refusal(
    "MA128",
    "a page of a `Query` knows nothing of its `.{member}()`; a page of a statement would",
    "leave that call out, or execute the statement here",
)
SLICE_VARIABLES = Refusal(
    "MA180",
    "`Query` gives an empty list when the lower bound is not below the upper one",
    "make sure that the bounds are in order and not negative",
    Severity.NOTE.value,
)
TEXT_LABELS = Refusal(
    "MA181",
    "the text of a `select()` has other column labels than that of a `Query`",
    "nothing, unless something parses it",
    Severity.NOTE.value,
)
ALWAYS_TRUE = Refusal(
    "MA182",
    "`{text}` is a query, which is always true: `{code}` says so, as `select()` has no truth value",
    "ask for the rows, if that was meant: `.first()`, `.count()`",
    Severity.NOTE.value,
)
