"""VGG Image Annotator, versions 1 to 3."""
