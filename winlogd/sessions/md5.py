"""MD5, as CPython has it: 0.3 µs instead of 0.7 µs, and 0.6 MB less than hashlib with the OpenSSL behind it.

This file must not know what is hashed.
"""

try:
    from _md5 import md5  # type: ignore[import-not-found]  # not in typeshed
except ImportError:  # a Python that was built without it
    from hashlib import md5

__all__ = ("md5",)
