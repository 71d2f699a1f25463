"""Which images belong together, and how whole groups are dealt to train, val and test."""
