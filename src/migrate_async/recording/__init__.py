"""Run a command under the recorder, make a profile of what it logged, compare two profiles.

The recorder itself (`migrate_async.recorder`) runs in the command's processes, not here.
"""
