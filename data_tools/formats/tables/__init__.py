"""Tables of boxes, labels and run lengths."""
