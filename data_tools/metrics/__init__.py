"""Metrics, one a file: a pure function first."""
