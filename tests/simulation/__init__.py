"""Random histories from a seed, checked against what must always hold."""
