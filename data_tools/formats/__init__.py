"""Annotation formats, one a file or a folder, each a reader: path -> iterator of samples."""
