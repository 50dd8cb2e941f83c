"""Errors that a user can correct: one line says what was wrong and what to do."""


class UserError(Exception):
    """An error that is shown as one line without a traceback; the message names the remedy."""
