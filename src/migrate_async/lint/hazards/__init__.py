"""What happens on the event loop: what blocks it, coroutines, tasks, and what is not loaded."""
