"""What replaces `shop/database.py` of the legacy shop: the same names, over one async engine."""

import os
from collections.abc import Iterator

from shop.config import settings
from sqlalchemy.orm import Session, declarative_base

from migrate_async import init_db, install, legacy_engine, legacy_sessionmaker

database = init_db(settings.database_url, engine_options={"pool_size": 5})
engine = legacy_engine(database)
SessionLocal = legacy_sessionmaker(database, autocommit=False, autoflush=False)
Base = declarative_base()
install(mode=os.environ["SHIM_MODE"])


def get_db() -> Iterator[Session]:
    """One session per request, closed when the response is done."""
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
