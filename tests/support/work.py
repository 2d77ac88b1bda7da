"""Functions that other processes can import."""

from __future__ import annotations

import os


def square(number: int) -> int:
    return number * number


def process_of(_: int) -> int:
    return os.getpid()


def fail_on_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number
