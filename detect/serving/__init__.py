"""The detector as an HTTP service: requests in, batches through the model, answers and a log of decisions out."""
