"""Synthetic device images with exact boxes."""
