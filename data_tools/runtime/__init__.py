"""Exported models in use without torch: bundle folders, sessions of onnxruntime, batches in numpy."""
