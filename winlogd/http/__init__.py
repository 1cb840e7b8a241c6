"""A small and strict subset of HTTP/1.1 on asyncio; knows nothing of winlogd and could be lifted out."""
