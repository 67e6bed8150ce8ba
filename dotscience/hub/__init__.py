"""The Hub: the server that a team shares. REST and web pages over the catalog and the blobs."""
