"""``python -m rotation.cli``."""

from rotation.cli import main

if __name__ == "__main__":
    main()
