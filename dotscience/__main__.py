"""`python -m dotscience` is the `ds` command."""

from .cli.main import main

if __name__ == "__main__":
    main()
