"""What code that was written for psycopg2 may go on doing over asyncpg or psycopg.

`create_async_engine(url, compatible_with="psycopg2")` turns it on for the sync code of an
application; its async code is not concerned. Parameters of other Python types than the driver
takes, see `values`; besides:

* `IN :ids` with a tuple;
* several statements in one text, the result being that of the last;
* raw cursors with `%s` and `%(name)s`, and their `copy_expert`;
* `error.orig.pgcode`, `.pgerror` and `.diag`.

What psycopg2 would mean otherwise than can be expressed is refused by name: `ParameterRefused`.
"""
