"""The recorder: runs inside a command that `migrate-async record` started, and notes its SQL.

It needs the standard library and the application's own SQLAlchemy (1.4 or 2.x), and Python 3.8 or
newer: migrate-async need not be installed beside the application. `boot/sitecustomize.py` loads
it by its path, under another name, so it imports its own modules relatively only.

Whatever goes wrong in here must not break the application: see `guard`.
"""
