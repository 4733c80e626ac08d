"""Measures Sightline beside what people would use instead: `bench/compare`."""
