"""The catalog: queryable tables of runs, files and models, derived from the run folders, and the lineage between them."""
