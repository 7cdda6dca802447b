"""`./run bench`: the speed of the product next to floors measured in the same run."""
