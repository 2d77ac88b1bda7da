"""What holds a thread: hits in functions, and the calls that lead to them."""
