"""The conventions, stated once: records, geometry, maps, boxes and anchors, in numpy alone."""
