"""What runs in production: async SQLAlchemy for FastAPI, and the deprecated sync door."""
