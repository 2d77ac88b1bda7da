"""Compare the SQL of each test before and after the migration.

Writes and the ends of transactions have to come in the same order; reads have to be the same ones,
in any order. What is left over is given to the causes in `causes`, one after another.
"""
