"""The configuration: `sections` lists the options, `load` reads them from a file and the environment."""
