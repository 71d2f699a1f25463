"""Figures, overlays, tables and the HTML report."""
