"""Everything that touches a disk: dataset folders, predictions, runs, images, and how they are written."""
