"""Inference: what the record of moves says of numbers, views and types."""
