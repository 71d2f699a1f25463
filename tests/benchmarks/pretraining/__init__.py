"""Does a detector that has seen drawn flaws learn real ones sooner? A corpus, a start from it, and a probe."""
