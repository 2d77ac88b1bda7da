"""Section 1.2: rows that hold a full entity are made unique, others are not."""

from sqlalchemy import literal
from sqlalchemy.orm import Bundle, Session, aliased, contains_eager, joinedload, selectinload
from support.corpus_models import Address, Document, Node, Order, OrderLine, User


def case_join_to_collection(db: Session):
    return db.query(User).join(User.addresses).order_by(User.id).all()


def case_join_to_one(db: Session):
    return db.query(Address).join(Address.user).order_by(Address.id).all()


def case_join_to_class(db: Session):
    return db.query(User).join(Address).order_by(User.id).all()


def case_join_by_condition(db: Session):
    return db.query(User).join(Address, Address.user_id == User.id).order_by(User.id).all()


def case_outer_join(db: Session):
    return db.query(User).outerjoin(User.addresses).order_by(User.id).all()


def case_alias_joined(db: Session):
    other = aliased(User)
    return db.query(other).join(other.addresses).order_by(other.id).all()


def case_entity_and_column(db: Session):
    rows = db.query(User, Address.user_id).join(User.addresses).order_by(User.id).all()
    return rows


def case_entity_and_literal(db: Session):
    return db.query(User, literal(1)).join(User.addresses).order_by(User.id).all()


def case_columns_are_not_unique(db: Session):
    return (
        db.query(User.id).join(User.addresses).order_by(User.id).all(),
        db.query(User.name, Address.user_id).join(User.addresses).order_by(User.id).all(),
    )


def case_bundle(db: Session):
    return db.query(Bundle("b", User.id)).join(User.addresses).order_by(User.id).all()


def case_table(db: Session):
    return db.query(User.__table__).join(User.addresses).order_by(User.id).all()


def case_yield_per_is_not_unique(db: Session):
    return [user.id for user in db.query(User).join(User.addresses).order_by(User.id).yield_per(2)]


def case_cartesian_product(db: Session):
    return db.query(User).filter(User.id == Address.user_id).order_by(User.id).all()


def case_entities_of_all_sources(db: Session):
    return db.query(User, Address).join(User.addresses).order_by(User.id, Address.id).all()


def case_joined_loading(db: Session):
    return db.query(User).options(joinedload(User.addresses)).order_by(User.id).all()


def case_joined_loading_of_one(db: Session):
    return db.query(Address).options(joinedload(Address.user)).order_by(Address.id).all()


def case_joined_loading_from_mapping(db: Session):
    return db.query(Order).order_by(Order.id).all()


def case_joined_loading_from_mapping_of_a_joined_one(db: Session):
    query = db.query(OrderLine).options(joinedload(OrderLine.order))
    return query.order_by(OrderLine.order_id, OrderLine.item_id).all()


def case_joined_loading_iterated(db: Session):
    return [len(user.addresses) for user in db.query(User).options(joinedload(User.addresses))]


def case_joined_loading_one(db: Session):
    query = db.query(User).options(joinedload(User.addresses))
    return query.filter(User.name == "ann").one()


def case_joined_loading_first(db: Session):
    query = db.query(User).options(joinedload(User.addresses))
    return query.filter(User.name == "ann").first()


def case_joined_loading_first_by_key(db: Session):
    # sql: the key names one row, so no LIMIT (and no subquery for it) is needed
    return db.query(User).options(joinedload(User.addresses)).filter(User.id == 1).first()


def case_contains_eager(db: Session):
    query = db.query(User).join(User.addresses).options(contains_eager(User.addresses))
    return query.filter(Address.city == "Rome").order_by(User.id).populate_existing().all()


def case_selectin_loading(db: Session):
    return db.query(User).options(selectinload(User.addresses)).order_by(User.id).all()


def case_nested_options(db: Session):
    option = joinedload(User.orders).selectinload(Order.lines)
    return db.query(User).options(option).order_by(User.id).all()


def case_unhashable_column_beside_an_entity(db: Session):
    query = db.query(User, Document.data).join(Document, Document.owner_id == User.id)
    return query.order_by(Document.id).all()


def case_unhashable_column_of_an_entity(db: Session):
    return db.query(Document).join(User).order_by(Document.id).all()


def case_self_referential(db: Session):
    return db.query(Node).join(Node.children).order_by(Node.id).all()


def case_self_referential_to_one(db: Session):
    return db.query(Node).join(Node.parent).order_by(Node.id).all()
