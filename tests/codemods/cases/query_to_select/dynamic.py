"""Relationships with `lazy="dynamic"`: a query on the session of their object."""

from sqlalchemy.orm import Session, joinedload
from support.corpus_models import Book, Label, Shelf


def _shelf(db: Session, number: int):
    return db.get(Shelf, number)


def case_all(db: Session):
    shelf = db.get(Shelf, 1)
    return shelf.books.all()


def case_chain(db: Session):
    shelf = db.query(Shelf).filter(Shelf.name == "upper").one()
    return shelf.books.filter(Book.title != "Emma").order_by(None).order_by(Book.id).all()


def case_filter_by(db: Session):
    shelf = db.query(Shelf).filter_by(name="upper").first()
    return shelf.books.filter_by(title="Emma").first(), shelf.books.filter_by(title="x").first()


def case_ends(db: Session):
    shelf = _shelf(db, 2)
    return shelf.books.one().title, shelf.books.one_or_none(), shelf.books.scalar()


def case_count(db: Session):
    shelf = db.get(Shelf, 1)
    return shelf.books.count(), shelf.books.filter(Book.id > 1).count(), shelf.labels.count()


def case_loops(db: Session):
    found = []
    for shelf in db.query(Shelf).order_by(Shelf.id):
        for book in shelf.books:
            found.append((shelf.name, book.title))
        found.append([book.id for book in shelf.books.order_by(Book.id)])
    return found, [book.title for book in shelf.books]


def case_slices(db: Session):
    shelf = _shelf(db, 1)
    return shelf.books[0].title, shelf.books[0:2], shelf.books[1:], shelf.books[5:7]


def case_no_such_index(db: Session):
    shelf = db.get(Shelf, 2)
    return shelf.books[1]


def case_listed(db: Session):
    shelf = db.get(Shelf, 1)
    return list(shelf.books), sorted(book.id for book in shelf.books.all())


def case_secondary(db: Session):
    shelf = db.get(Shelf, 1)
    return shelf.labels.all(), shelf.labels.filter(Label.name == "red").all(), shelf.labels[0]


def case_secondary_by_name(db: Session):
    shelf = db.get(Shelf, 1)
    return shelf.labels.filter_by(name="red").all(), shelf.labels.limit(1).one()


def case_variable(db: Session):
    shelf = db.get(Shelf, 1)
    books = shelf.books
    if shelf.name == "upper":
        books = books.filter(Book.title.like("%a"))
    return books.count(), books.order_by(Book.id).all()


def case_options_and_joins(db: Session):
    shelf = db.get(Shelf, 1)
    query = shelf.books.join(Book.shelf).filter(Shelf.name == "upper")
    return query.options(joinedload(Book.shelf)).all(), query.distinct().limit(2).offset(1).all()


def case_columns_and_exists(db: Session):
    shelf = db.get(Shelf, 1)
    return (
        shelf.books.with_entities(Book.title).all(),
        db.query(shelf.books.filter(Book.title == "Emma").exists()).scalar(),
        db.query(Shelf).filter(Shelf.id.in_(shelf.books.with_entities(Book.shelf_id))).all(),
    )


def _of(session: Session, number: int):
    shelf = _shelf(session, number)
    return shelf.books.filter(Book.title != "Emma").all()


def case_session_of_a_helper(db: Session):
    return _of(db, 1), _of(session=db, number=2)


def _lowest(db: Session):
    own = db
    return own.query(Shelf).filter(Shelf.name == "lower").one()


def case_session_of_the_object(db: Session):
    shelf = _lowest(db)
    return shelf.books.filter(Book.title == "Emma").all(), shelf.books.count()


def case_changes(db: Session):
    shelf = db.get(Shelf, 1)
    shelf.books.append(Book(id=9, title="Zen"))
    shelf.books.remove(db.get(Book, 1))
    return shelf.books.all(), shelf.books.count()


def case_pending_object(db: Session):  # left: MA120
    shelf = Shelf(id=7, name="new")
    db.add(shelf)
    shelf.books.append(Book(id=8, title="New"))
    return shelf.books.filter(Book.title == "New").all()


def case_new_object(db: Session):  # left: MA120
    shelf = Shelf(id=7, name="new")
    shelf.books.append(Book(id=8, title="New"))
    return shelf.books.all()


def case_set(db: Session):  # left: MA120
    shelf = db.get(Shelf, 1)
    shelf.books = [Book(id=8, title="New")]
    db.flush()


def case_truth(db: Session):  # left: MA109
    shelf = db.get(Shelf, 1)
    return bool(1 if shelf.books else 2)


def case_expunged(db: Session):  # left: MA120
    shelf = db.get(Shelf, 1)
    db.expunge(shelf)
    return shelf.books.all()
