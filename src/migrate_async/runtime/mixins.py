"""What most tables need: when a row changed, who changed it, and deletion that can be undone.

All values are computed in Python by column defaults: they are known after the flush without another
query (which async code could not make on attribute access), and they apply to bulk statements too::

    await session.execute(update(User).values(active=False))     # sets updated_at and updated_by

Not covered: raw SQL text, and the `set_` of `INSERT ... ON CONFLICT DO UPDATE`, which SQLAlchemy
takes as it is; list the columns there.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, String
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, declared_attr, mapped_column
from sqlalchemy.types import TypeEngine

from migrate_async.runtime.current_user import current_user_id
from migrate_async.runtime.datetimes import UTCDateTime, utc_now, utcnow
from migrate_async.runtime.soft_delete import SoftDeleteMixin

__all__ = ["SoftDeleteMixin", "TimestampMixin", "UserTrackingMixin"]

# Behind the columns of the model in CREATE TABLE.
_LAST = 1000


def _created_at_or_now(context: DefaultExecutionContext) -> datetime:
    """Give a new row one time: `updated_at == created_at` until the first UPDATE."""
    values: dict[str, Any] = context.get_current_parameters()  # type: ignore[no-untyped-call]
    created: datetime | None = values.get("created_at")
    return created or utcnow()


class TimestampMixin:
    """`created_at` and `updated_at`: aware, in UTC, to the microsecond.

    `updated_at` moves with each UPDATE of the ORM and of Core, bulk ones included. After a bulk
    update the objects already in the session keep the old value until they are refreshed.
    """

    created_at: Mapped[datetime] = mapped_column(
        UTCDateTime(), default=utcnow, server_default=utc_now(), sort_order=_LAST
    )
    updated_at: Mapped[datetime] = mapped_column(
        UTCDateTime(),
        default=_created_at_or_now,
        onupdate=utcnow,
        server_default=utc_now(),
        sort_order=_LAST + 1,
    )


class UserTrackingMixin:
    """`created_by` and `updated_by`: the current user at the time of the INSERT and UPDATE.

    The user comes from `migrate_async.runtime.current_user`; without one both are NULL, which says
    "nobody known did this". Tell the type of the key on a subclass or a common base::

        class Audited(UserTrackingMixin):
            __user_id_type__ = Integer()
            __user_foreign_key__ = "users.id"
    """

    __user_id_type__: ClassVar[TypeEngine[Any]] = String(255)
    __user_foreign_key__: ClassVar[str | None] = None

    @declared_attr
    def created_by(cls) -> Mapped[Any]:  # noqa: N805  SQLAlchemy passes the class
        return mapped_column(
            *_user_column(cls), default=current_user_id, nullable=True, sort_order=_LAST + 3
        )

    @declared_attr
    def updated_by(cls) -> Mapped[Any]:  # noqa: N805
        return mapped_column(
            *_user_column(cls),
            default=current_user_id,
            onupdate=current_user_id,
            nullable=True,
            sort_order=_LAST + 4,
        )


def _user_column(model: type[UserTrackingMixin] | UserTrackingMixin) -> tuple[Any, ...]:
    target = model.__user_foreign_key__
    return (model.__user_id_type__,) + (() if target is None else (ForeignKey(target),))
