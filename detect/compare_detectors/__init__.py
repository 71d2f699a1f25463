"""Detectors and the baseline with equal budgets on the same images, judged by the same records."""
