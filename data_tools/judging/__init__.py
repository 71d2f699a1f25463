"""From predictions and truth to the parts of a report; `data_tools.judging.evaluate` puts them together."""
