"""`python -m rainkit` is `rainkit`."""

from rainkit.cli import main

if __name__ == "__main__":
    main()
