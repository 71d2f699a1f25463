"""From samples to batches: input settings, augmentation, samplers and the torch dataset."""
