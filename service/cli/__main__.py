"""`python -m service.cli` is `reservations`, for processes that start another one of it."""

from service.cli import main

if __name__ == "__main__":
    main()
