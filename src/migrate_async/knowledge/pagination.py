"""fastapi-pagination: the functions that make a page of a query, and their coroutines.

Facts from its releases 0.9 to 0.16. `paginate(query)` takes a `Query` alone and finds the session
in it; from 0.12.0 on there is `paginate(session, statement)` as well. `apaginate` came with 0.13.0.
Before, `paginate` itself gave a coroutine for an async session; 0.16 no longer does. The page is
made inside of a greenlet in all of them, so what it reads of its items may be lazy; a transformer
of items runs outside.
"""

from __future__ import annotations

PACKAGE = "fastapi-pagination"
MODULE = "fastapi_pagination"
_EXTENSION = f"{MODULE}.ext"

PAGINATES = {
    f"{_EXTENSION}.sqlalchemy.paginate": f"{_EXTENSION}.sqlalchemy.apaginate",
    f"{_EXTENSION}.sqlmodel.paginate": f"{_EXTENSION}.sqlmodel.apaginate",
}
"""By function that makes a page, the one that does on an async session."""

COROUTINES = frozenset(PAGINATES.values()) | {
    f"{_EXTENSION}.async_sqlalchemy.paginate",
    f"{_EXTENSION}.async_sqlmodel.paginate",
}

TAKES_QUERY_ALONE = frozenset({f"{_EXTENSION}.sqlalchemy.paginate"})
"""Those that find the session in a `Query`."""

STATEMENTS = "0.12.0"
"""The first version whose `paginate` takes a session and a statement."""

COROUTINE = "0.13.0"
"""The first version with `apaginate`."""

CALLBACKS = frozenset({"transformer", "additional_data"})
"""Arguments that may be called with the items."""

FIGURES = frozenset(
    {"total", "page", "size", "pages", "limit", "offset", "next_page", "previous_page", "links"}
    | {"current_page", "current_page_backwards"}
)
"""Attributes of pages that are not the items; pages of a project name those as they like."""

LOST = frozenset({"populate_existing", "yield_per", "stream_results", "autoflush"})
"""What a `Query` is told about its execution: a page of it never hears of that."""
