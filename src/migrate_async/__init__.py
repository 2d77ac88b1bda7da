"""migrate-async: from sync SQLAlchemy to async SQLAlchemy 2.x, one route at a time."""

__version__ = "0.1.0"
