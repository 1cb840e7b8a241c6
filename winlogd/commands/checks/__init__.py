"""The checks of ``winlogd doctor``: one file a check, and what they share."""
