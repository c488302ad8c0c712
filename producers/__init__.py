"""Records out: outcomes, dead letters and expiry ticks."""
