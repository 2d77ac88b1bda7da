"""Keep-both twins: an async function beside its deprecated sync original (`keep = "both"`)."""
