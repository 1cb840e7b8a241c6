"""The pages: files that a browser loads. There is no code here; `winlogd.api.pages` serves them."""
