"""An application full of lazy loads: 19 shapes, four accesses each; every one is a route.

write(folder)         # app/*.py, templates/*.html
CASES                 # what each route reads
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """The route `path` lazily loads `reads`, attributes such as `Book.reviews`."""

    shape: str
    path: str
    reads: tuple[str, ...]
    method: str = "GET"


DATABASE = """\
import os

from sqlalchemy import create_engine
from sqlalchemy.orm import declarative_base, sessionmaker

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///./app.db"))
SessionLocal = sessionmaker(bind=engine, autoflush=False)
Base = declarative_base()


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()
"""

MODELS = """\
from sqlalchemy import Column, ForeignKey, Integer, String, Table, Text
from sqlalchemy.ext.associationproxy import association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import backref, deferred, relationship

from app.database import Base

book_tags = Table(
    "book_tags",
    Base.metadata,
    Column("book_id", ForeignKey("books.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)


class Country(Base):
    __tablename__ = "countries"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))


class Author(Base):
    __tablename__ = "authors"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    country_id = Column(ForeignKey("countries.id"))
    bio = deferred(Column(Text))
    country = relationship("Country")
    books = relationship("Book", back_populates="author", order_by="Book.id")
    profile = relationship("Profile", back_populates="author", uselist=False)

    @property
    def titles(self):
        return [book.title for book in self.books]

    @property
    def first_book(self):
        return self.books[0] if self.books else None

    def describe(self):
        return f"{self.name} of {self.country.name if self.country else 'nowhere'}"


class Profile(Base):
    __tablename__ = "profiles"
    id = Column(Integer, primary_key=True)
    author_id = Column(ForeignKey("authors.id"))
    site = Column(String(50))
    author = relationship("Author", back_populates="profile")


class Publisher(Base):
    __tablename__ = "publishers"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))


class Tag(Base):
    __tablename__ = "tags"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))


class Book(Base):
    __tablename__ = "books"
    id = Column(Integer, primary_key=True)
    title = Column(String(50))
    author_id = Column(ForeignKey("authors.id"))
    publisher_id = Column(ForeignKey("publishers.id"))
    summary = deferred(Column(Text))
    author = relationship("Author", back_populates="books")
    publisher = relationship("Publisher", backref=backref("books", order_by="Book.id"))
    reviews = relationship("Review", back_populates="book", order_by="Review.id")
    tags = relationship("Tag", secondary=book_tags, order_by="Tag.id")
    links = relationship("ShelfItem", back_populates="book", order_by="ShelfItem.id")
    shelves = association_proxy("links", "shelf")
    tag_names = association_proxy("tags", "name")

    @hybrid_property
    def stars(self):
        return sum(review.stars for review in self.reviews)


class Review(Base):
    __tablename__ = "reviews"
    id = Column(Integer, primary_key=True)
    book_id = Column(ForeignKey("books.id"))
    stars = Column(Integer)
    text = Column(String(50))
    book = relationship("Book", back_populates="reviews")


class Shelf(Base):
    __tablename__ = "shelves"
    id = Column(Integer, primary_key=True)
    name = Column(String(50))
    items = relationship("ShelfItem", back_populates="shelf", order_by="ShelfItem.id")
    books = association_proxy("items", "book")


class ShelfItem(Base):
    __tablename__ = "shelf_items"
    id = Column(Integer, primary_key=True)
    shelf_id = Column(ForeignKey("shelves.id"))
    book_id = Column(ForeignKey("books.id"))
    shelf = relationship("Shelf", back_populates="items")
    book = relationship("Book", back_populates="links")
"""

SCHEMAS = """\
from typing import Generic, List, Optional, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class CountryOut(Out):
    id: int
    name: str


class ReviewOut(Out):
    id: int
    stars: int


class TagOut(Out):
    id: int
    name: str


class PublisherOut(Out):
    id: int
    name: str


class BookIn(BaseModel):
    title: str
    author_id: Optional[int] = None


class BookShort(Out):
    id: int
    title: str


class BookReviews(BookShort):
    reviews: List[ReviewOut]


class BookTags(BookShort):
    tags: List[TagOut]


class BookPublisher(BookShort):
    publisher: Optional[PublisherOut]


class BookFull(BookShort):
    reviews: List[ReviewOut]
    tags: List[TagOut]
    publisher: Optional[PublisherOut]


class AuthorShort(Out):
    id: int
    name: str


class AuthorBooks(AuthorShort):
    books: List[BookShort]


class AuthorCountry(AuthorShort):
    country: Optional[CountryOut]


class AuthorDeep(AuthorShort):
    books: List[BookFull]


class AuthorTitles(AuthorShort):
    titles: List[str]


class AuthorFirst(AuthorShort):
    first_book: Optional[BookReviews]


class AuthorBio(AuthorShort):
    bio: Optional[str]


class AuthorAlias(AuthorShort):
    written: List[BookShort] = Field(validation_alias="books")


class BookAuthor(BookShort):
    author: Optional[AuthorCountry]


class ProfileOut(Out):
    site: str


class AuthorProfile(AuthorShort):
    profile: Optional[ProfileOut]


class LinkOut(Out):
    shelf_id: int


class BookLinks(BookShort):
    links: List[LinkOut]


class BookStars(BookShort):
    stars: int


class BookNames(BookShort):
    tag_names: List[str]


class ShelfOut(Out):
    id: int
    books: List[BookShort]


class PublisherDeep(PublisherOut):
    books: List[BookReviews]


class Page(BaseModel, Generic[T]):
    items: List[T]
    total: int


class Book(BookReviews):
    pass


class Counted(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    Book: Book
    number: int


class AnswerConfig:
    from_attributes = True


class BookAnswer(BaseModel):
    message: str
    data: BookReviews

    class Config(AnswerConfig):
        pass


class AuthorAnswer(BaseModel):
    message: str
    data: AuthorBooks


class BooksAnswer(BaseModel):
    message: str
    data: List[BookTags]


class BookPage(BaseModel):
    items: List[BookReviews]
    total: int
"""

CRUD = """\
from app.models import Author, Book, Publisher, Review


class CRUDBase:
    def __init__(self, model):
        self.model = model

    def get(self, db, id):
        return db.query(self.model).filter(self.model.id == id).first()

    def get_multi(self, db):
        return db.query(self.model).order_by(self.model.id).all()


class CRUDBook(CRUDBase):
    def by_title(self, db, title):
        return db.query(Book).filter(Book.title == title).first()


book = CRUDBook(Book)
author = CRUDBase(Author)
publisher = CRUDBase(Publisher)


def get_book(db, id):
    return db.query(Book).filter(Book.id == id).first()


def get_books(db):
    return db.query(Book).order_by(Book.id).all()


def books_query(db):
    return db.query(Book).order_by(Book.id)


def get_author(db, id):
    query = db.query(Author)
    query = query.filter(Author.id == id)
    return query.first()


def get_shared(db, id):
    return db.query(Publisher).filter(Publisher.id == id).first()


def add_review(db, book, stars):
    review = Review(book_id=book.id, stars=stars)
    db.add(review)
    db.commit()
    db.refresh(review)
    return review
"""

HELPERS = """\
from app.models import Book


def stars_of(book):
    return sum(review.stars for review in book.reviews)


def country_of(author):
    return author.country.name if author.country else None


def labels(books):
    return [f"{book.title} by {country_of(book.author)}" for book in books]


def named_country(author):
    return getattr(author, "country").name if hasattr(author, "country") else None


class Answers:
    @staticmethod
    def success(message, data=None):
        return {"message": message, "data": data}

    @staticmethod
    def found(name, data):
        return Answers.success(f"{name} found", data)

    @staticmethod
    def missing(name):
        raise LookupError(name)


class BookService:
    @staticmethod
    def answer_3(db):
        books = db.query(Book).order_by(Book.id).all()
        return Answers.found("books", books)

    @staticmethod
    def answer_4(db, data):
        book = Book(**data.model_dump())
        db.add(book)
        db.commit()
        db.refresh(book)
        return Answers.success(message=f"{book.title} made", data=book)


class View:
    def __init__(self, book):
        self.title = book.title
        self.tags = [tag.name for tag in book.tags]
"""

HEAD = """\
from pathlib import Path
from typing import List, Optional

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import PlainTextResponse
from fastapi.templating import Jinja2Templates
from pydantic import TypeAdapter
from sqlalchemy import func
from sqlalchemy.orm import Session

from app import crud, helpers, schemas
from app.database import get_db
from app.models import Author, Book, Country, Profile, Publisher, Review, Shelf, Tag

router = APIRouter()
templates = Jinja2Templates(directory=str(Path(__file__).parent.parent / "templates"))


def current_author(db: Session = Depends(get_db)) -> Author:
    author = db.query(Author).filter(Author.id == 1).first()
    if author is None:
        raise HTTPException(404)
    return author


def current_book(id: int, db: Session = Depends(get_db)):
    book = db.query(Book).filter(Book.id == id).first()
    if not book:
        raise HTTPException(404)
    return book

"""

ROUTES = """
# shape: one
@router.get("/one/1", response_model=schemas.BookReviews)
def one_1(db: Session = Depends(get_db)):
    return db.query(Book).filter(Book.id == 1).first()  # reads: Book.reviews
@router.get("/one/2", response_model=Optional[schemas.AuthorCountry])
def one_2(db: Session = Depends(get_db)):
    author = db.query(Author).filter(Author.id == 2).one_or_none()  # reads: Author.country
    return author
@router.get("/one/3", response_model=schemas.AuthorAlias)
def one_3(db: Session = Depends(get_db)):
    query = db.query(Author)
    query = query.filter(Author.id == 1)
    return query.one()  # reads: Author.books
@router.get("/one/4", response_model=schemas.BookTags)
def one_4(db: Session = Depends(get_db)):
    book = db.query(Book).get(1)  # reads: Book.tags
    if book is None:
        raise HTTPException(404)
    return book

# shape: many
@router.get("/many/1", response_model=List[schemas.BookReviews])
def many_1(db: Session = Depends(get_db)):
    return db.query(Book).order_by(Book.id).all()  # reads: Book.reviews
@router.get("/many/2", response_model=List[schemas.AuthorBooks])
def many_2(db: Session = Depends(get_db)):
    authors = db.query(Author).order_by(Author.id).limit(10).all()  # reads: Author.books
    return [author for author in authors if author.name]
@router.get("/many/3", response_model=List[schemas.BookPublisher])
def many_3(skip: int = 0, db: Session = Depends(get_db)):
    return list(db.query(Book).order_by(Book.id).offset(skip))  # reads: Book.publisher
@router.get("/many/4", response_model=List[schemas.AuthorCountry])
def many_4(db: Session = Depends(get_db)):
    found = []
    for author in db.query(Author).order_by(Author.id):
        found.append(author)
    return found  # reads: Author.country

# shape: annotation
@router.get("/annotation/1")
def annotation_1(db: Session = Depends(get_db)) -> schemas.BookReviews:
    return db.query(Book).filter(Book.id == 2).first()  # reads: Book.reviews
@router.get("/annotation/2")
def annotation_2(db: Session = Depends(get_db)) -> List[schemas.BookTags]:
    return db.query(Book).order_by(Book.id).all()  # reads: Book.tags
@router.get("/annotation/3")
def annotation_3(db: Session = Depends(get_db)) -> "Optional[schemas.AuthorBooks]":
    author = db.query(Author).filter(Author.id == 99).first()  # reads: Author.books
    return author
@router.get("/annotation/4")
def annotation_4(db: Session = Depends(get_db)) -> list[schemas.BookPublisher]:
    books = db.query(Book).order_by(Book.id).all()  # reads: Book.publisher
    return books[:2]

# shape: helper
@router.get("/helper/1", response_model=schemas.BookReviews)
def helper_1(db: Session = Depends(get_db)):
    return crud.get_book(db, 1)  # reads: Book.reviews
@router.get("/helper/2", response_model=List[schemas.BookTags])
def helper_2(db: Session = Depends(get_db)):
    return crud.get_books(db)  # reads: Book.tags
@router.get("/helper/3", response_model=schemas.AuthorBooks)
def helper_3(db: Session = Depends(get_db)):
    author = crud.get_author(db, 1)  # reads: Author.books
    if author is None:
        raise HTTPException(404)
    return author
@router.get("/helper/4", response_model=List[schemas.BookReviews])
def helper_4(db: Session = Depends(get_db)):
    return crud.books_query(db).filter(Book.id < 3).all()  # reads: Book.reviews

# shape: generic
@router.get("/generic/1", response_model=schemas.BookReviews)
def generic_1(db: Session = Depends(get_db)):
    return crud.book.get(db, 1)  # reads: Book.reviews
@router.get("/generic/2", response_model=List[schemas.AuthorBooks])
def generic_2(db: Session = Depends(get_db)):
    return crud.author.get_multi(db)  # reads: Author.books
@router.get("/generic/3", response_model=schemas.BookTags)
def generic_3(db: Session = Depends(get_db)):
    book = crud.book.by_title(db, "B1")  # reads: Book.tags
    return book
@router.get("/generic/4", response_model=schemas.PublisherDeep)
def generic_4(db: Session = Depends(get_db)):
    publisher = crud.publisher.get(db, 1)  # reads: Publisher.books Book.reviews
    return publisher

# shape: nested
@router.get("/nested/1", response_model=schemas.AuthorDeep)
def nested_1(db: Session = Depends(get_db)):
    # reads: Author.books Book.reviews Book.tags Book.publisher
    return db.query(Author).filter(Author.id == 1).first()
@router.get("/nested/2", response_model=List[schemas.BookAuthor])
def nested_2(db: Session = Depends(get_db)):
    return db.query(Book).order_by(Book.id).all()  # reads: Book.author Author.country
@router.get("/nested/3", response_model=schemas.PublisherDeep)
def nested_3(db: Session = Depends(get_db)):
    publisher = crud.get_shared(db, 1)  # reads: Publisher.books Book.reviews
    return publisher
@router.get("/nested/4", response_model=schemas.AuthorFirst)
def nested_4(db: Session = Depends(get_db)):
    return db.query(Author).filter(Author.id == 1).one()  # reads: Author.books Book.reviews

# shape: validate
@router.get("/validate/1")
def validate_1(db: Session = Depends(get_db)):
    book = db.query(Book).filter(Book.id == 1).first()  # reads: Book.reviews
    return schemas.BookReviews.model_validate(book)
@router.get("/validate/2")
def validate_2(db: Session = Depends(get_db)):
    authors = db.query(Author).order_by(Author.id).all()  # reads: Author.books
    return [schemas.AuthorBooks.model_validate(author) for author in authors]
@router.get("/validate/3")
def validate_3(db: Session = Depends(get_db)):
    books = crud.get_books(db)  # reads: Book.publisher
    return TypeAdapter(List[schemas.BookPublisher]).validate_python(books)
@router.get("/validate/4")
def validate_4(db: Session = Depends(get_db)):
    # reads: Book.tags
    return schemas.BookTags.model_validate(db.query(Book).filter(Book.id == 1).one())

# shape: property
@router.get("/property/1", response_model=schemas.AuthorTitles)
def property_1(db: Session = Depends(get_db)):
    return db.query(Author).filter(Author.id == 1).first()  # reads: Author.books
@router.get("/property/2", response_model=List[schemas.BookStars])
def property_2(db: Session = Depends(get_db)):
    return db.query(Book).order_by(Book.id).all()  # reads: Book.reviews
@router.get("/property/3")
def property_3(db: Session = Depends(get_db)):
    author = crud.get_author(db, 1)  # reads: Author.books
    return {"titles": author.titles, "name": author.name}
@router.get("/property/4")
def property_4(db: Session = Depends(get_db)):
    authors = db.query(Author).order_by(Author.id).all()  # reads: Author.country
    return [author.describe() for author in authors]

# shape: sync
@router.get("/sync/1")
def sync_1(db: Session = Depends(get_db)):
    book = db.query(Book).filter(Book.id == 1).first()  # reads: Book.reviews
    return {"stars": helpers.stars_of(book)}
@router.get("/sync/2")
def sync_2(db: Session = Depends(get_db)):
    books = db.query(Book).order_by(Book.id).all()  # reads: Book.author Author.country
    return helpers.labels(books)
@router.get("/sync/3")
def sync_3(db: Session = Depends(get_db)):
    found = []
    for book in crud.get_books(db):
        found.append(vars(helpers.View(book)))  # reads: Book.tags
    return found
@router.get("/sync/4")
def sync_4(db: Session = Depends(get_db)):
    author = crud.author.get(db, 1)  # reads: Author.country
    return {"country": helpers.country_of(author)}

# shape: read
@router.get("/read/1")
def read_1(db: Session = Depends(get_db)):
    book = db.query(Book).filter(Book.id == 1).first()
    return [review.stars for review in book.reviews]  # reads: Book.reviews
@router.get("/read/2")
def read_2(db: Session = Depends(get_db)):
    found = {}
    for author in db.query(Author).order_by(Author.id).all():
        for book in author.books:  # reads: Author.books Book.tags
            found[book.title] = [tag.name for tag in book.tags]
    return found
@router.get("/read/3")
def read_3(db: Session = Depends(get_db)):
    books = crud.get_books(db)
    # reads: Book.author Author.country
    return [book.author.country.name if book.author else None for book in books]
@router.get("/read/4")
def read_4(db: Session = Depends(get_db)):
    author = crud.author.get(db, 1)
    return {"site": author.profile.site if author.profile else None}  # reads: Author.profile

# shape: generator
@router.get("/generator/1")
def generator_1(db: Session = Depends(get_db)):
    books = db.query(Book).order_by(Book.id).all()  # reads: Book.reviews
    return sum(len(book.reviews) for book in books)
@router.get("/generator/2")
def generator_2(db: Session = Depends(get_db)):
    authors = db.query(Author).order_by(Author.id).all()  # reads: Author.country
    ordered = sorted(authors, key=lambda author: author.country.name if author.country else "")
    return [author.name for author in ordered]
@router.get("/generator/3")
def generator_3(db: Session = Depends(get_db)):
    author = db.query(Author).filter(Author.id == 1).first()  # reads: Author.books Book.tags
    return any(tag.name == "new" for book in author.books for tag in book.tags)
@router.get("/generator/4")
def generator_4(db: Session = Depends(get_db)):
    books = crud.get_books(db)  # reads: Book.publisher
    return ",".join(book.publisher.name for book in books if book.publisher)

# shape: deferred
@router.get("/deferred/1", response_model=schemas.AuthorBio)
def deferred_1(db: Session = Depends(get_db)):
    return db.query(Author).filter(Author.id == 1).first()  # reads: Author.bio
@router.get("/deferred/2")
def deferred_2(db: Session = Depends(get_db)):
    author = db.query(Author).filter(Author.id == 1).first()
    return {"bio": author.bio}  # reads: Author.bio
@router.get("/deferred/3")
def deferred_3(db: Session = Depends(get_db)):
    return [book.summary for book in db.query(Book).order_by(Book.id).all()]  # reads: Book.summary
@router.get("/deferred/4", response_model=List[schemas.AuthorBio])
def deferred_4(db: Session = Depends(get_db)):
    return crud.author.get_multi(db)  # reads: Author.bio

# shape: proxy
@router.get("/proxy/1", response_model=schemas.ShelfOut)
def proxy_1(db: Session = Depends(get_db)):
    return db.query(Shelf).filter(Shelf.id == 1).first()  # reads: Shelf.items ShelfItem.book
@router.get("/proxy/2")
def proxy_2(db: Session = Depends(get_db)):
    shelf = db.query(Shelf).filter(Shelf.id == 1).one()
    return [book.title for book in shelf.books]  # reads: Shelf.items ShelfItem.book
@router.get("/proxy/3", response_model=List[schemas.BookNames])
def proxy_3(db: Session = Depends(get_db)):
    return db.query(Book).order_by(Book.id).all()  # reads: Book.tags
@router.get("/proxy/4")
def proxy_4(db: Session = Depends(get_db)):
    book = crud.get_book(db, 1)
    return [shelf.name for shelf in book.shelves]  # reads: Book.links ShelfItem.shelf

# shape: new
@router.post("/new/1", response_model=schemas.BookReviews)
def new_1(db: Session = Depends(get_db)):
    book = Book(title="N1", author_id=1)  # reads: Book.reviews
    db.add(book)
    db.commit()
    db.refresh(book)
    return book
@router.post("/new/2", response_model=schemas.BookAuthor)
def new_2(db: Session = Depends(get_db)):
    book = Book(title="N2", author_id=1)  # reads: Book.author Author.country
    db.add(book)
    db.commit()
    return book
@router.post("/new/3", response_model=schemas.BookTags)
def new_3(db: Session = Depends(get_db)):
    book = crud.get_book(db, 1)  # reads: Book.tags
    book.title = "B1"
    db.add(book)
    db.commit()
    db.refresh(book)
    return book
@router.post("/new/4")
def new_4(db: Session = Depends(get_db)):
    review = crud.add_review(db, crud.get_book(db, 1), 1)
    return {"book": review.book.title, "stars": review.stars}  # reads: Review.book

# shape: template
@router.get("/template/1")
def template_1(request: Request, db: Session = Depends(get_db)):
    books = db.query(Book).order_by(Book.id).all()  # reads: Book.reviews Book.publisher
    return templates.TemplateResponse(request, "books.html", {"books": books})
@router.get("/template/2")
def template_2(request: Request, db: Session = Depends(get_db)):
    author = crud.get_author(db, 1)  # reads: Author.country Author.books
    return templates.TemplateResponse(request, "author.html", {"author": author})
@router.get("/template/3")
def template_3(request: Request, db: Session = Depends(get_db)):
    # reads: Shelf.items ShelfItem.book
    context = {"shelf": db.query(Shelf).filter(Shelf.id == 1).first()}
    return templates.TemplateResponse(request=request, name="shelf.html", context=context)
@router.get("/template/4")
def template_4(request: Request, db: Session = Depends(get_db)):
    publisher = crud.publisher.get(db, 1)  # reads: Publisher.books Book.tags
    page = templates.get_template("publisher.html")
    return PlainTextResponse(page.render(publisher=publisher))

# shape: row
@router.get("/row/1", response_model=List[schemas.Counted])
def row_1(db: Session = Depends(get_db)):
    rows = db.query(Book, func.count(Book.id).label("number")).group_by(Book.id).order_by(Book.id)
    return rows.all()  # reads: Book.reviews
@router.get("/row/2", response_model=schemas.Counted)
def row_2(db: Session = Depends(get_db)):
    found = db.query(Book, Book.id.label("number")).filter(Book.id == 1).first()
    return found  # reads: Book.reviews
@router.get("/row/3")
def row_3(db: Session = Depends(get_db)):
    found = {}
    for book, number in db.query(Book, Book.id).order_by(Book.id):
        found[number] = book.author.name if book.author else None  # reads: Book.author
    return found
@router.get("/row/4")
def row_4(db: Session = Depends(get_db)):
    rows = db.query(Book, Author).join(Author, Book.author_id == Author.id).order_by(Book.id).all()
    # reads: Author.country
    return [schemas.AuthorCountry.model_validate(author) for _, author in rows]

# shape: dependency
@router.get("/dependency/1", response_model=schemas.AuthorProfile)
def dependency_1(author: Author = Depends(current_author)):
    return author  # reads: Author.profile
@router.get("/dependency/2/{id}", response_model=schemas.BookReviews)
def dependency_2(book: Book = Depends(current_book), db: Session = Depends(get_db)):
    db.query(Author).count()  # reads: Book.reviews
    return book
@router.get("/dependency/3")
def dependency_3(author: Author = Depends(current_author), db: Session = Depends(get_db)):
    found = db.query(Book).filter(Book.author_id == author.id).count()
    return {"books": found, "country": author.country.name}  # reads: Author.country
@router.get("/dependency/4/{id}", response_model=schemas.BookLinks)
def dependency_4(book: Book = Depends(current_book)):
    return book  # reads: Book.links

# shape: wrapper
@router.get("/wrapper/1", response_model=schemas.Page[schemas.BookReviews])
def wrapper_1(db: Session = Depends(get_db)):
    books = db.query(Book).order_by(Book.id).all()  # reads: Book.reviews
    return {"items": books, "total": len(books)}
@router.get("/wrapper/2", response_model=schemas.BookPage)
def wrapper_2(db: Session = Depends(get_db)):
    query = crud.books_query(db)
    return schemas.BookPage(items=query.limit(2).all(), total=query.count())  # reads: Book.reviews
@router.get("/wrapper/3", response_model=schemas.Page[schemas.AuthorBooks])
def wrapper_3(db: Session = Depends(get_db)):
    result = {"items": crud.author.get_multi(db), "total": 0}  # reads: Author.books
    return result
@router.get("/wrapper/4")
def wrapper_4(db: Session = Depends(get_db)):
    books = crud.get_books(db)  # reads: Book.tags
    return schemas.Page[schemas.BookTags](items=books, total=len(books))
# shape: named
@router.get("/named/1")
def named_1(db: Session = Depends(get_db)):
    book = db.query(Book).filter(Book.title == "B1").first()
    return book.author.name if book and hasattr(book, "author") else "-"  # reads: Book.author
@router.get("/named/2")
def named_2(id: int = 1, db: Session = Depends(get_db)):
    book = crud.get_book(db, id)
    publisher = getattr(book, "publisher", None)  # reads: Book.publisher
    return {"publisher": publisher.name if publisher else None}
@router.get("/named/3")
def named_3(db: Session = Depends(get_db)):
    author = crud.get_author(db, 1)
    return {"country": helpers.named_country(author)}  # reads: Author.country
@router.get("/named/4")
def named_4(db: Session = Depends(get_db)):
    books = crud.get_books(db)
    return [len(getattr(book, "reviews")) for book in books]  # reads: Book.reviews
# shape: answer
@router.get("/answer/1", response_model=schemas.BookAnswer)
def answer_1(db: Session = Depends(get_db)):
    book = db.query(Book).filter(Book.id == 1).first()  # reads: Book.reviews
    if not book:
        return helpers.Answers.missing("book")
    return helpers.Answers.found("book", book)
@router.get("/answer/2", response_model=schemas.AuthorAnswer)
def answer_2(db: Session = Depends(get_db)):
    result = helpers.Answers.success("one", crud.get_author(db, 1))  # reads: Author.books
    return result
@router.get("/answer/3", response_model=schemas.BooksAnswer)
def answer_3(db: Session = Depends(get_db)):
    return helpers.BookService.answer_3(db)  # reads: Book.tags
@router.post("/answer/4", response_model=schemas.BookAnswer)
def answer_4(db: Session = Depends(get_db)):
    return helpers.BookService.answer_4(db, schemas.BookIn(title="new"))  # reads: Book.reviews
"""

MAIN = """\
from fastapi import FastAPI

from app.database import Base, SessionLocal, engine
from app.models import (
    Author, Book, Country, Profile, Publisher, Review, Shelf, ShelfItem, Tag
)
from app.routes import router

app = FastAPI()
app.include_router(router)


@app.on_event("startup")
def fill():
    Base.metadata.create_all(bind=engine)
    db = SessionLocal()
    try:
        tags = [Tag(id=1, name="new"), Tag(id=2, name="old")]
        db.add_all(tags)
        db.add(Country(id=1, name="Chile"))
        db.add(Publisher(id=1, name="P"))
        db.add(Author(id=1, name="A", country_id=1, bio="long"))
        db.add(Author(id=2, name="B", bio="short"))
        db.add(Profile(id=1, author_id=1, site="a.example"))
        for number in range(1, 4):
            book = Book(
                id=number, title=f"B{number}", author_id=1, publisher_id=1, summary="text"
            )
            book.tags = tags[: number - 1]
            book.reviews = [Review(stars=stars) for stars in range(number)]
            db.add(book)
        db.add(Shelf(id=1, name="S"))
        db.add(ShelfItem(id=1, shelf_id=1, book_id=1))
        db.commit()
    finally:
        db.close()
"""

TEMPLATES = {
    "books.html": """\
{% for book in books %}
{{ book.title }} {{ book.publisher.name }} {% for r in book.reviews %}{{ r.stars }}{% endfor %}
{% endfor %}
""",
    "author.html": """\
{% extends "base.html" %}
{% block body %}{{ author.name }}{% if author.country %} of {{ author.country.name }}{% endif %}
{% include "_books.html" %}{% endblock %}
""",
    "base.html": "<body>{% block body %}{% endblock %}</body>\n",
    "_books.html": "{{ author.books | length }}\n",
    "shelf.html": "{% for item in shelf.items %}{{ item.book.title }}{% endfor %}\n",
    "publisher.html": """\
{% set books = publisher.books %}
{% for b in books %}{% for tag in b.tags %}{{ tag.name }}{% endfor %}{% endfor %}
""",
}


def _cases() -> list[Case]:
    found: list[Case] = []
    shape = path = method = ""
    for line in ROUTES.splitlines():
        if line.startswith("# shape: "):
            shape = line.removeprefix("# shape: ")
        elif line.startswith("@router."):
            method, path = line.removeprefix("@router.").split('"')[:2]
            method, path = method.strip("(").upper(), path.replace("{id}", "1")
        if "# reads: " in line:
            reads = tuple(line.partition("# reads: ")[2].split())
            found.append(Case(shape, path, reads, method))
    return found


CASES = _cases()


def write(folder: Path) -> None:
    """Write the application into `folder`."""
    app = folder / "app"
    app.mkdir(parents=True)
    (app / "__init__.py").write_text("")
    routes = HEAD + ROUTES.replace("\n@router", "\n\n\n@router").replace("\n\n\n\n", "\n\n\n")
    for name, text in {
        "database": DATABASE,
        "models": MODELS,
        "schemas": SCHEMAS,
        "crud": CRUD,
        "helpers": HELPERS,
        "routes": routes,
        "main": MAIN,
    }.items():
        (app / f"{name}.py").write_text(text)
    templates = folder / "templates"
    templates.mkdir()
    for name, text in TEMPLATES.items():
        (templates / name).write_text(text)
