"""Boxes in JSON of tools without a reader of their own."""
