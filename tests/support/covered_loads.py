"""Two hundred reads of attributes that their queries have loaded: nothing has to be done.

Ten relationships, four loader options, five shapes of code; the models are those of
`planted_loads`.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

from support import planted_loads

RELATIONSHIPS = (
    "Book.reviews",
    "Book.tags",
    "Book.publisher",
    "Book.author",
    "Book.links",
    "Author.books",
    "Author.country",
    "Author.profile",
    "Publisher.books",
    "Shelf.items",
)
LOADERS = ("selectinload", "joinedload", "subqueryload", "immediateload")
_SINGLE = frozenset({"publisher", "author", "country", "profile"})

_HEAD = """\
from typing import List, Optional

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import (
    Session, immediateload, joinedload, selectinload, subqueryload
)

from app.database import get_db
from app.models import Author, Book, Publisher, Shelf

router = APIRouter()


class Ref(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int


"""
_SHAPES = {
    "one": """\
@router.get("{path}", response_model={schema})
def {name}(db: Session = Depends(get_db)):
    return db.query({model}).options({option}).filter({model}.id == 1).first()
""",
    "many": """\
@router.get("{path}", response_model=List[{schema}])
def {name}(db: Session = Depends(get_db)):
    found = db.query({model}).order_by({model}.id).options({option}).all()
    return [item for item in found if item.id < 3]
""",
    "helper": """\
def find_{name}(db):
    query = db.query({model}).filter({model}.id == 1)
    query = query.options({option})
    return query.one()


@router.get("{path}", response_model={schema})
def {name}(db: Session = Depends(get_db)):
    return find_{name}(db)
""",
    "get": """\
@router.get("{path}", response_model={schema})
def {name}(db: Session = Depends(get_db)):
    item = db.get({model}, 1, options=[{option}])
    return item
""",
    "validate": """\
@router.get("{path}")
def {name}(db: Session = Depends(get_db)):
    found = db.query({model}).options({option}).order_by({model}.id)
    return [{schema}.model_validate(item) for item in found]
""",
}

PATHS = [
    f"/{shape}/{loader}/{relationship.lower()}"
    for shape, loader, relationship in product(_SHAPES, LOADERS, RELATIONSHIPS)
]


def write(folder: Path) -> None:
    """Write the application into `folder`."""
    planted_loads.write(folder)
    parts = [_HEAD]
    for relationship in RELATIONSHIPS:
        attribute = relationship.partition(".")[2]
        kind = "Optional[Ref]" if attribute in _SINGLE else "List[Ref]"
        parts.append(f"class {_schema(relationship)}(Ref):\n    {attribute}: {kind}\n\n\n")
    for shape, loader, relationship in product(_SHAPES, LOADERS, RELATIONSHIPS):
        parts.append(
            _SHAPES[shape].format(
                path=f"/{shape}/{loader}/{relationship.lower()}",
                name=f"{shape}_{loader}_{relationship.lower().replace('.', '_')}",
                model=relationship.partition(".")[0],
                schema=_schema(relationship),
                option=f"{loader}({relationship})",
            )
            + "\n\n"
        )
    (folder / "app" / "routes.py").write_text("".join(parts).rstrip() + "\n")


def _schema(relationship: str) -> str:
    model, _, attribute = relationship.partition(".")
    return f"{model}{attribute.title()}"
