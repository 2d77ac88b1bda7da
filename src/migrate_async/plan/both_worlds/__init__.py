"""Code that stays sync beside code that has migrated: what both live on."""
