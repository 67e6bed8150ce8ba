"""The `ds` command: parsing and printing only. Each command is in a file of its own, imported when it is called."""
