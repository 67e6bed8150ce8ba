"""Where a Hub keeps its blobs: a folder, or an object store."""
