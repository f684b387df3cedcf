"""Micro-credentials: credentials, what counts, and proof bundles (SPEC 16 to 18). No JSON-LD library is needed."""
