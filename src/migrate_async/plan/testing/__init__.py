"""What a project's tests need once its functions are coroutines."""
