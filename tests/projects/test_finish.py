"""`finish` on migrated applications: what it removes, nobody misses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.fixture_apps import fixture_app
from support.http_sequence import legacy_answers, load_requests, replay
from support.migration import command, copy_of, own_tests, tree, write

pytestmark = pytest.mark.any_sqlalchemy

SCAFFOLD = ("get_sync_db", "HopSession", "SyncSessionLocal", "sync_engine", "SyncDbDep")
APPS = ["container_resolve", "next_get_db", "repository_class", "two_engines"]

BY_HAND = """\
from fastapi import APIRouter, Depends
from sqlalchemy import func, select

from shop.auth import DbDep, require_admin
from shop.models import Coupon, Order, Product, User
from shop.schemas import CouponUsage

router = APIRouter(
    prefix="/backoffice", tags=["back office"], dependencies=[Depends(require_admin)]
)


@router.get("/coupons", response_model=list[CouponUsage])
async def coupon_usage(db: DbDep):
    def usages(session):
        coupons = session.execute(select(Coupon).order_by(Coupon.code)).scalars()
        return [CouponUsage.model_validate(coupon, from_attributes=True) for coupon in coupons]

    return await db.run_sync(usages)


@router.get("/figures")
async def figures(db: DbDep):
    customers = select(func.count()).select_from(User).where(User.is_admin.is_(False))
    orders = select(func.count()).select_from(Order)
    return {
        "customers": await db.scalar(customers),
        "orders": await db.scalar(orders),
        "pieces_in_stock": await db.scalar(select(func.sum(Product.stock))),
    }


@router.get("/recount")
async def recount(db: DbDep):
    products = await db.scalars(select(Product).order_by(Product.id))
    return {product.sku: product.stock for product in products}
"""
"""What a developer makes of the router that no tool can migrate."""


def mentions(folder: Path) -> list[str]:
    """What is still there for sync code, apart from the tests."""
    text = "".join(data.decode() for path, data in tree(folder).items() if "test" not in path)
    words = set(re.findall(r"\w+", text))
    return [name for name in SCAFFOLD if name in words]


@pytest.mark.parametrize("name", APPS)
def test_a_small_app_is_finished_or_told_why_not(name: str, tmp_path: Path) -> None:
    """Either nothing is left for sync code, or nothing has changed; its tests pass both times."""
    folder = copy_of(fixture_app(f"small/{name}").before, tmp_path)
    write(folder, "--all")
    migrated = tree(folder)
    done = command(folder, "finish", "--write")
    assert done.returncode in (0, 1), done.stderr
    if "MA450" in done.stdout:
        assert tree(folder) == migrated
        return
    assert mentions(folder) == []
    result = own_tests(folder)
    assert result.returncode == 0, result.stdout[-4000:]


def test_the_shop_is_finished_when_its_last_sync_routes_have_gone(tmp_path: Path) -> None:
    app = fixture_app("legacy_shop")
    folder = copy_of(app.before, tmp_path)
    write(folder, "--all")
    migrated = tree(folder)
    refused = command(folder, "finish", "--write")
    assert refused.returncode == 1
    assert refused.stdout.count("shop/routers/backoffice.py:") == 2
    assert tree(folder) == migrated
    (folder / "shop/routers/backoffice.py").write_text(BY_HAND, "utf-8")
    done = command(folder, "finish", "--write")
    assert done.returncode in (0, 1), done.stdout + done.stderr
    assert mentions(folder) == []
    result = own_tests(folder)
    assert result.returncode == 0, result.stdout[-4000:]
    assert app.requests is not None
    assert app.app is not None
    answers = replay(folder, load_requests(app.requests), app=app.app)
    assert answers == legacy_answers(app.before, app.app, app.requests)
    finished = tree(folder)
    command(folder, "finish", "--write")
    assert tree(folder) == finished, "a second run changes nothing"
