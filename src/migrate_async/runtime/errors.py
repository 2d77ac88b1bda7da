"""Every exception the runtime raises on purpose.

::

    Exception
    +-- MigrateAsyncRuntimeError
    |   +-- DatabaseNotInitialised          no `init_db()` yet, or `close_db()` came before
    |   +-- DatabaseAlreadyInitialised      a second `init_db()` with other settings
    |   +-- UnsupportedURL        (also ValueError)   no async driver is known for it
    |   |   +-- UnsupportedURLArgument                an argument the driver cannot honour
    |   +-- InsecureConnection              TLS was asked for, the server offers none
    +-- MissingDependencyError    (also ImportError)  an extra is not installed
    +-- UncommittedWorkWarning    (RuntimeWarning)    writes after the commit were rolled back
    +-- IgnoredURLArgumentWarning (UserWarning)       an argument without an async counterpart

No message contains a password: URLs are masked before they get here.
"""

from __future__ import annotations

from sqlalchemy import exc

POOL_EXHAUSTED_CODE = "3o7r"
"""SQLAlchemy's documented error code of "QueuePool limit reached"."""


class MigrateAsyncRuntimeError(Exception):
    """Base of the errors that a user of the runtime can cause."""


class MissingDependencyError(MigrateAsyncRuntimeError, ImportError):
    """A module of the runtime needs a package which is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(package, extra)
        self.package = package
        self.extra = extra

    def __str__(self) -> str:
        return (
            f"{self.package} is not installed: "
            f"install it with `pip install 'migrate-async[{self.extra}]'`"
        )


class DatabaseNotInitialised(MigrateAsyncRuntimeError):
    """The database of that name was asked for before `init_db()`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"the database {self.name!r} is not initialised: call `init_db(url)` first, "
            "or set DATABASE_URL for the default one"
        )


class DatabaseAlreadyInitialised(MigrateAsyncRuntimeError):
    """`init_db()` was called again with other settings."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return (
            f"the database {self.name!r} is already initialised with other settings: "
            "call `await close_db()` first, or give the second database a name"
        )


class UnsupportedURL(MigrateAsyncRuntimeError, ValueError):
    """No async (or no sync) driver is known for a database URL."""


class UnsupportedURLArgument(UnsupportedURL):
    """A query argument of the URL cannot be honoured by the driver."""

    def __init__(self, argument: str, driver: str, hint: str) -> None:
        super().__init__(argument, driver, hint)
        self.argument = argument
        self.driver = driver
        self.hint = hint

    def __str__(self) -> str:
        return f"the URL argument {self.argument!r} is not supported by {self.driver}: {self.hint}"


class InsecureConnection(MigrateAsyncRuntimeError):
    """TLS was asked for, and the server offered none."""


class UncommittedWorkWarning(RuntimeWarning):
    """Something was written through a request's session after its commit, and rolled back."""


class IgnoredURLArgumentWarning(UserWarning):
    """A URL argument was dropped because the driver has nothing like it."""


def is_pool_exhausted(error: BaseException) -> bool:
    """Whether `error` says that no connection became free within `pool_timeout`."""
    return isinstance(error, exc.TimeoutError) and error.code == POOL_EXHAUSTED_CODE
