"""SQL as strings, and what else `execute()` took before 2.0.

Before 2.0 these ran; on 2.x the legacy form raises, so only the converted one gives something.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session
from support.corpus_models import User


def case_text_stays(db: Session):
    return db.execute(text("SELECT name FROM users ORDER BY id")).all()
