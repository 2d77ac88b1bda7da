"""dependency-injector: containers of providers, and `Provide[...]`, which injects from them."""

from __future__ import annotations

_PROVIDERS = "dependency_injector.providers."
_WIRING = "dependency_injector.wiring."

CALLING = frozenset(
    f"{_PROVIDERS}{name}"
    for name in (
        *("Callable", "ContextLocalResource", "ContextLocalSingleton", "Factory", "Resource"),
        *("Singleton", "ThreadLocalSingleton", "ThreadSafeSingleton"),
    )
)
"""`Factory(cls, *args, **kwargs)`: the provider gives `cls(*args, **kwargs)`."""

RESOURCES = frozenset({f"{_PROVIDERS}Resource", f"{_PROVIDERS}ContextLocalResource"})
"""Of these generator functions give what they yield."""

OBJECT = f"{_PROVIDERS}Object"
CONTAINER = f"{_PROVIDERS}Container"

INJECTED = frozenset({f"{_WIRING}Provide", f"{_WIRING}Closing"})
"""`Provide[Container.users]`: what that provider gives."""

NAMES = frozenset(dotted.rpartition(".")[2] for dotted in CALLING)
PROVIDED = "provided"
