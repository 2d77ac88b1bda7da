"""Which functions become coroutines, which stay, and why."""
