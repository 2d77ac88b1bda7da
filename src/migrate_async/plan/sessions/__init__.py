"""How functions get their session, and how they get it in the async world."""

from migrate_async.plan.sessions.acquisitions import Acquisition, find_acquisitions, has_resolver
from migrate_async.plan.sessions.changes import SessionPlan
from migrate_async.plan.sessions.constructors import Constructors
from migrate_async.plan.sessions.given import bridged_sessions, given_sessions
from migrate_async.plan.sessions.injection import plan_given, plan_sessions
from migrate_async.plan.sessions.inline import inline_sessions
from migrate_async.plan.sessions.provider import Provider, find_provider

__all__ = [
    "Acquisition",
    "Constructors",
    "Provider",
    "SessionPlan",
    "bridged_sessions",
    "find_acquisitions",
    "find_provider",
    "given_sessions",
    "has_resolver",
    "inline_sessions",
    "plan_given",
    "plan_sessions",
]
