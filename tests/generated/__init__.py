"""Policies that hypothesis writes, and what they must hold to."""
