"""Errors a user can mend: one line that says what was wrong and what to do."""


class UserError(Exception):
    """Shown as one line without a traceback; the message names the remedy."""
