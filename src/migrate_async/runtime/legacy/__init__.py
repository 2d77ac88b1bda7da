"""The deprecated sync door: what keeps unmigrated code working on the async engine."""
