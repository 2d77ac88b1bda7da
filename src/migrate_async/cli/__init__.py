"""The command line: parse arguments, call one use case, choose the exit code."""
