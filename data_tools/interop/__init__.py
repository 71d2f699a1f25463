"""Predictions from other tools into our records and back, one format a file."""
