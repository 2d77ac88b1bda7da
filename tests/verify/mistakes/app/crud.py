from collections.abc import AsyncIterator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database import User


async def get_user(db: AsyncSession, user_id: int) -> User | None:
    return (await db.scalars(select(User).where(User.id == user_id))).first()


async def exists(db: AsyncSession, user_id: int) -> bool:
    return await get_user(db, user_id) is not None


async def create_user(db: AsyncSession, name: str) -> User:
    user = User(name=name)
    db.add(user)
    await db.commit()
    return user


async def stream_users(db: AsyncSession) -> AsyncIterator[User]:
    for user in await db.scalars(select(User)):
        yield user


def name_of(user: User) -> str:
    return user.name
