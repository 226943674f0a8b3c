"""Walks over a whole stack: the killing test and the agreement test, and what both
talk to. Only the standard library."""
