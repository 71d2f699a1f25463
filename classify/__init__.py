"""The label-only baseline with class-activation maps."""
