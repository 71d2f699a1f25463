"""From predictions and truth to the parts of a report; `data_tools.evaluate` puts them together."""
