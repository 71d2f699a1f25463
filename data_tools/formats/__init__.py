"""Annotation formats, one a file, each a reader: path -> iterator of samples."""
