"""`requests.get(...)`, `time.sleep(...)`, `open(...)` in an `async def`."""

from __future__ import annotations

from collections.abc import Iterator

from migrate_async.index.scopes import Function
from migrate_async.lint.hazards.reach import BlockingReach
from migrate_async.lint.hazards.scripts import on_loop
from migrate_async.lint.rule import Example, Rule
from migrate_async.lint.view import View
from migrate_async.model.finding import Confidence, Finding
from migrate_async.plan.hazards.confidence import weakest

_FAR, _NEAR = 3, 2
"""Calls: the further away, the likelier it is that something on the way decides against it."""


class BlockingCallInAsync(Rule):
    """An `async def` makes a call that blocks: HTTP, a subprocess, a file, a password hash.

    ## Why

    While the call runs, the event loop serves nobody: a web service that answers after ten seconds
    stops this one for ten seconds, health checks included.

    ## Fix

    Use the async counterpart that the finding names, or run the call in a thread:
    `await asyncio.to_thread(requests.get, url)`.

    ## False alarms

    Reading a small local file takes less than a millisecond, so file access has medium confidence.
    So has what is reached through more than two calls, through a call that may run one of several
    methods, or through a decorated function. In test suites, and in scripts that start their loop
    themselves, the confidence is low.
    """

    CODE = "MA703"
    CONSEQUENCE = "every other request of the process waits until the call returns"
    REMEDY = "run it in a thread with `await asyncio.to_thread(...)`"
    EXAMPLES = (
        Example(
            "HTTP, sleep and a subprocess",
            """\
import subprocess
import time
from urllib.request import urlopen

import requests


async def route(url: str):
    requests.get(url)  # error
    time.sleep(1)  # error
    urlopen(url)  # error
    session = requests.Session()
    session.post(url)  # error
    return subprocess.run(["ls"])  # error
""",
        ),
        Example(
            "password hashing",
            """\
import bcrypt
from passlib.context import CryptContext

context = CryptContext(schemes=["bcrypt"])


async def login(password: str, hashed: str):
    bcrypt.checkpw(password, hashed)  # error
    return context.verify(password, hashed)  # error
""",
        ),
        Example(
            "files are mostly small",
            """\
from pathlib import Path


async def page(path: Path):
    with open(path) as file:  # error: medium
        file.read()
    return path.read_text()  # error: medium
""",
        ),
        Example(
            "through a function of the project, and a client that a library made",
            """\
import boto3

s3 = boto3.client("s3")


def upload(name: str):
    s3.upload_file(name, "bucket", name)


async def route(name: str):
    upload(name)  # error
    s3.delete_object(Bucket="bucket", Key=name)  # error
""",
        ),
        Example(
            "waiting for a pool of threads",
            """\
from concurrent.futures import ThreadPoolExecutor, as_completed


async def route(urls: list[str]):
    with ThreadPoolExecutor() as pool:  # error
        for url in urls:
            pool.submit(print, url)
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(len, url) for url in urls]
        for future in as_completed(futures):  # error
            print(future)
        return list(pool.map(len, urls))  # error
""",
        ),
        Example(
            "async counterparts",
            """\
import asyncio

import httpx
from redis.asyncio import Redis


async def route(url: str, redis: Redis):
    await asyncio.sleep(1)
    await redis.get("key")
    async with httpx.AsyncClient() as client:
        return await client.get(url)
""",
        ),
        Example(
            "a thread makes the call",
            """\
import asyncio
import time

import requests


def fetch(url):
    return requests.get(url)


async def route(url: str):
    await asyncio.to_thread(time.sleep, 1)
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, lambda: requests.get(url))
    return await asyncio.to_thread(fetch, url)
""",
        ),
        Example(
            "a plain function, and another module's `open`",
            """\
import time

from elsewhere import open


def route():
    time.sleep(1)


async def other():
    open("x")
    time.sleep(0)
""",
        ),
    )

    def check(self, view: View) -> Iterator[Finding]:
        for function in view.coroutines:
            yield from self._direct(view, function)
            yield from self._through_calls(view, function)

    def _direct(self, view: View, function: Function) -> Iterator[Finding]:
        for hit in view.analysis(BlockingReach).hits(function):
            yield self.finding(
                hit.site.node,
                function,
                f"`{hit.text}` blocks the event loop in `async def {function.name}`",
                confidence=weakest(hit.confidence, on_loop(view, function)),
                remedy=f"use {hit.instead}",
            )

    def _through_calls(self, view: View, function: Function) -> Iterator[Finding]:
        for site in view.project.calls(function):
            way = view.analysis(BlockingReach).way(site)
            if way is None or len(way.sites) > _FAR:
                continue
            near = Confidence.HIGH if len(way.sites) <= _NEAR else Confidence.MEDIUM
            confidence = weakest(way.confidence, near, on_loop(view, function))
            if way.hit.confidence is Confidence.MEDIUM:
                confidence = Confidence.LOW  # a short wait, and not even here
            yield self.finding(
                site.node,
                function,
                f"blocks the event loop in `async def {function.name}`: {way.chain}",
                confidence=confidence,
                remedy=f"use {way.hit.instead}",
                related=way.related(),
            )
