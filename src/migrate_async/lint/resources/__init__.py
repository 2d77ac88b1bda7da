"""Sessions, connections and cursors: where a function opens them, and what becomes of them."""
