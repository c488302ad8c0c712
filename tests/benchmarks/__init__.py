"""Measurements: ratios and rates on one machine, in one run."""
