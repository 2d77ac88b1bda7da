"""Prove what was rewritten, before it is written; look through a tree that has migrated."""
