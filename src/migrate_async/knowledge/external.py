"""Calls that wait for something outside of the process that is not the database.

Names are canonical dotted paths or their beginnings. Such a call takes from tens of milliseconds
to minutes, and nothing bounds it by default.
"""

from __future__ import annotations

_VERBS = ("delete", "get", "head", "options", "patch", "post", "put", "request")

FUNCTIONS = frozenset(
    {
        *(f"requests.{verb}" for verb in _VERBS),
        *(f"httpx.{verb}" for verb in (*_VERBS, "stream")),
        *("time.sleep", "asyncio.sleep", "anyio.sleep", "urllib.request.urlopen"),
        *(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output")),
        *("os.system", "socket.create_connection", "litellm.completion", "litellm.acompletion"),
        *("asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell"),
        *("openai.ChatCompletion.create", "openai.Completion.create", "openai.Embedding.create"),
        *("smtplib.SMTP", "smtplib.SMTP_SSL", "aiosmtplib.send", "stripe.Charge.create"),
    }
)

CLIENTS = (
    *("requests.Session", "requests.sessions.Session", "httpx.Client", "httpx.AsyncClient"),
    *("aiohttp.ClientSession", "smtplib.SMTP", "smtplib.SMTP_SSL", "aiosmtplib.SMTP"),
    *("openai.OpenAI", "openai.AsyncOpenAI", "openai.AzureOpenAI", "openai.AsyncAzureOpenAI"),
    *("anthropic.Anthropic", "anthropic.AsyncAnthropic", "paramiko.SSHClient", "ftplib.FTP"),
    *("slack_sdk.WebClient", "slack_sdk.web.async_client.AsyncWebClient"),
    *("sendgrid.SendGridAPIClient", "twilio.rest.Client", "stripe.StripeClient"),
    *("subprocess.Popen", "google.generativeai.GenerativeModel", "xmlrpc.client.ServerProxy"),
)
"""Classes whose methods, or methods of whose attributes, wait."""

MADE_CLIENTS = ("boto3.client", "boto3.resource")
"""Functions that make an object whose methods wait."""

QUIET = frozenset(
    {
        *("add", "aclose", "close", "generate_presigned_url", "json", "mount", "poll", "terminate"),
        *("kill", "update", "raise_for_status", "set_debuglevel", "build_request", "headers"),
        *("Table", "exceptions", "setdefault", "set_missing_host_key_policy"),
    }
)
"""Methods of clients that wait for nothing."""

HARMLESS_ROOTS = frozenset(
    {
        *("builtins", "typing", "typing_extensions", "types", "dataclasses", "contextlib", "copy"),
        *("contextvars",),
        *("functools", "itertools", "inspect", "logging", "weakref", "pprint", "operator"),
        *("sqlalchemy", "sqlmodel", "fastapi", "starlette", "pydantic", "pytest"),
        *("asyncio", "anyio", "concurrent", "threading", "unittest", "migrate_async"),
    }
)
"""Packages that do no work on a session that is passed to them, or that have tables of their own.
"""

ENVIRONMENT = "alembic.context"
"""What configures Alembic in its environment, of which a step of its own takes care.

The rest of Alembic works on the connections that it gets.
"""

TAKES_ASYNC_ENGINES = frozenset(
    {
        *("sqladmin.Admin", "sqladmin.application.Admin"),
        *("starlette_admin.contrib.sqla.Admin", "starlette_admin.contrib.sqla.admin.Admin"),
    }
)
"""What does the same with an async engine as with a sync one."""

WATCHES_ENGINES = frozenset(
    {
        ("opentelemetry.instrumentation.sqlalchemy.SQLAlchemyInstrumentor", "instrument"),
    }
)
"""Classes and methods that listen to an engine: to the sync side of an async one."""
