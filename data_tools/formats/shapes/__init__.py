"""From annotated shapes to boxes: rectangles, outlines, regions, run lengths."""
