"""One rule a module; `lint.registry` finds them."""
