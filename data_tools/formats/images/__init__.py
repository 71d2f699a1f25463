"""Which image an annotation is of, and which files are images at all."""
