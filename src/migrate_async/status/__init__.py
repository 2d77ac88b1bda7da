"""How far the migration of a project is, today and since it began."""
