"""Decoding, encoding and describing pictures and videos."""
