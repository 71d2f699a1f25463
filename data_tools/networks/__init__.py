"""Backbones with their weights, precision, and class-activation maps."""
