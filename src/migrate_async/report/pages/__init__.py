"""Pages of the documentation that are made of code, so that they cannot fall behind it."""
