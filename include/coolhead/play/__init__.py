"""The shipped, invented story of an invented brand, and the local server that plays its two networks."""
