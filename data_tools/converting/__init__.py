"""From sources to a dataset folder, and from a dataset folder to other tools' files."""
