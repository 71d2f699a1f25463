"""Experiment files (YAML), installed as package data."""
