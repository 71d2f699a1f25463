"""Names of the class-activation methods, for command lines that start without torch."""

GRADIENT_METHODS = ("gradcam", "gradcam++", "hirescam", "layercam", "xgradcam", "eigencam")
"""Of `data_tools.networks.cam_methods`, in its order."""
PACKAGE_METHODS = ("scorecam", "ablationcam")
"""Of the `grad-cam` package, for classifiers alone."""
CLASSIFIER_METHODS = (*GRADIENT_METHODS, *PACKAGE_METHODS)
EXPORTED_METHODS = tuple(name for name in GRADIENT_METHODS if name != "eigencam")
"""Of the last layer's maps, which an exported graph gives too; ONNX has no singular value decomposition."""
