"""Schedulers and searchers that others wrote, connected to the suite without changes to them.

Each module has one system. A system is imported only when one of its parts is made, and
`bench.rivals.installed` says what is missing where it cannot be.
"""
