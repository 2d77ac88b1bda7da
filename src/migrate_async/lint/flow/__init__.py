"""Control flow of one function, and facts that hold along its paths."""
