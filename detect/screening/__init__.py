"""Which settings of the detector help? Several at once, on train and validation images alone."""
