"""The rules themselves: a list, and the documentation of one."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

from migrate_async.lint.rule import Example, Rule
from migrate_async.report.json import document
from migrate_async.report.page import Page, render_documentation


def render_list(rules: Iterable[type[Rule]], page: Page) -> None:
    """A line for each rule: code, name, what it finds."""
    page.columns(((rule.CODE, rule.name(), rule.summary()) for rule in rules), indent=0)


def list_document(rules: Iterable[type[Rule]]) -> str:
    """`rules`: for each its code, name, texts and examples."""
    return document("rules", {"rules": [_fields(rule) for rule in rules]})


def render_rule(rule: type[Rule], page: Page) -> None:
    """The documentation of a rule, and its examples."""
    page.line((rule.name(), "bold"), f"  {rule.CODE}")
    page.blank()
    render_documentation(inspect.getdoc(rule) or "", page)
    page.heading("If left")
    page.line(rule.CONSEQUENCE)
    for example in rule.EXAMPLES:
        page.heading(f"{'Found' if example.is_found else 'Left alone'}: {example.title}")
        for line in example.code.rstrip("\n").splitlines():
            page.line(line, indent=4, hang=0)


def _fields(rule: type[Rule]) -> dict[str, Any]:
    return {
        "code": rule.CODE,
        "name": rule.name(),
        "summary": rule.summary(),
        "consequence": rule.CONSEQUENCE,
        "remedy": rule.REMEDY,
        "per_file": rule.PER_FILE,
        "documentation": inspect.getdoc(rule) or "",
        "examples": [_example(example) for example in rule.EXAMPLES],
    }


def _example(example: Example) -> dict[str, Any]:
    return {
        "title": example.title,
        "code": example.code,
        "found": example.is_found,
        "fixed": example.fixed,
    }
