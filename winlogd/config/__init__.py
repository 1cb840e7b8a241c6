"""What an administrator can set: `sections` lists the options, `load` reads them."""
