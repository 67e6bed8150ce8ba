"""Executing workloads: `ds run`, and the documents that say what was executed."""
