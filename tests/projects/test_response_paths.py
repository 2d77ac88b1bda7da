"""Responses that read far: along the path of an alias, and around a circle of eager models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from migrate_async.model.selection import EVERYTHING
from support.http_sequence import replay
from support.migration import tree
from support.route_by_route import migrate

DATABASE = """\
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"])
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""
MODELS = """\
from sqlalchemy import Column, ForeignKey, Integer, String
from sqlalchemy.orm import relationship

from app.database import Base


class Album(Base):
    __tablename__ = "albums"

    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    songs = relationship("Song", back_populates="album"{eager})

    @property
    def review_count(self):
        return sum(len(song.reviews) for song in self.songs)


class Song(Base):
    __tablename__ = "songs"

    id = Column(Integer, primary_key=True)
    album_id = Column(ForeignKey("albums.id"))
    album = relationship("Album", back_populates="songs"{eager})
    reviews = relationship("Review", back_populates="song"{eager})


class Review(Base):
    __tablename__ = "reviews"

    id = Column(Integer, primary_key=True)
    song_id = Column(ForeignKey("songs.id"))
    song = relationship("Song", back_populates="reviews")


class Play(Base):
    __tablename__ = "plays"

    id = Column(Integer, primary_key=True)
    song_id = Column(ForeignKey("songs.id"))
    song = relationship("Song")
"""
MAIN = """\
from typing import Annotated

from fastapi import Depends, FastAPI
from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.database import Base, SessionLocal, engine, get_db
from app.models import Album, Play, Review, Song

app = FastAPI()


class AlbumOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    name: str
    review_count: int


class PlayOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    album: AlbumOut = Field(validation_alias=AliasPath("song", "album"))
    title: str = Field(validation_alias=AliasChoices(AliasPath("song", "album", "name"), "name"))


SongOut = Annotated[BaseModel, Field(title="what is written further down")]


class AlbumSongsOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    songs: list[SongOut]


class SongOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    album: AlbumOut


@app.on_event("startup")
def fill():
    Base.metadata.create_all(bind=engine)
    db = SessionLocal()
    album = Album(name="first", songs=[Song(reviews=[Review(), Review()]), Song()])
    db.add_all([album, Play(song=album.songs[0]), Play(song=album.songs[1])])
    db.commit()
    db.close()


@app.get("/plays", response_model=list[PlayOut])
def plays(db: Session = Depends(get_db)):
    return db.query(Play).order_by(Play.id).all()


@app.get("/newest", response_model=list[PlayOut])
def newest(album: str = "", song: int = 0, limit: int = 0, db: Session = Depends(get_db)):
    stmt = select(Play).options(selectinload(Play.song).selectinload(Song.album))
    if album:
        stmt = stmt.join(Play.song).join(Song.album).filter(Album.name == album)
    if song:
        stmt = stmt.filter(Play.song_id == song)
    if limit:
        stmt = stmt.limit(limit)
    stmt = stmt.order_by(Play.id.desc())
    return db.scalars(stmt)


@app.get("/all", response_model=list[PlayOut])
def every(db: Session = Depends(get_db)):
    found = db.execute(select(Play).order_by(Play.id)).scalars()
    return found


@app.get("/plays/{play_id}", response_model=PlayOut)
def play(play_id: int, db: Session = Depends(get_db)):
    return db.query(Play).filter(Play.id == play_id).first()


@app.get("/songs", response_model=list[SongOut])
def songs(db: Session = Depends(get_db)):
    return db.query(Song).order_by(Song.id).all()


@app.get("/albums", response_model=list[AlbumSongsOut])
def albums(db: Session = Depends(get_db)):
    return db.query(Album).all()
"""
PATHS = ("/plays", "/plays/2", "/newest", "/all", "/songs", "/albums")
REQUESTS = [{"method": "GET", "path": path} for path in PATHS]


@pytest.mark.parametrize("eager", ["", ', lazy="selectin"'], ids=["lazy", "eager in a circle"])
def test_what_a_response_reads_far_away_is_loaded(eager: str, tmp_path: Path) -> None:
    """SQLAlchemy loads no class by the mapping for the second time on its way."""
    for name in ("before", "after"):
        _write(tmp_path / name, eager)
    before = _answers(tmp_path / "before", "sqlite")
    assert before[0]["json"][0] == {
        "id": 1,
        "album": {"name": "first", "review_count": 2},
        "title": "first",
    }
    assert {answer["status"] for answer in before} == {200}
    migrate(tmp_path / "after", EVERYTHING)
    assert _answers(tmp_path / "after", "sqlite+aiosqlite") == before

    done = tree(tmp_path / "after")
    migrate(tmp_path / "after", EVERYTHING)
    assert tree(tmp_path / "after") == done, "a second run changes nothing"


def _write(folder: Path, eager: str) -> None:
    (folder / "app").mkdir(parents=True)
    (folder / "app/__init__.py").write_text("")
    (folder / "app/database.py").write_text(DATABASE)
    (folder / "app/models.py").write_text(MODELS.replace("{eager}", eager))
    (folder / "app/main.py").write_text(MAIN)


def _answers(folder: Path, driver: str) -> list[dict[str, Any]]:
    return replay(folder, REQUESTS, app="app.main:app", driver=driver)
