"""``python -m sepcost`` and the ``sepcost`` command."""

from sepcost.cli.app import app


def main() -> None:
    """Run the command line."""
    app(prog_name="sepcost")


if __name__ == "__main__":
    main()
