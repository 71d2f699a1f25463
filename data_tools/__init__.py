"""The shared toolbox: records, formats, synthetic devices, splits, training helpers, metrics, reports."""
