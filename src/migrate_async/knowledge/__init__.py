"""Data, not code: what SQLAlchemy, FastAPI and the drivers call things."""
