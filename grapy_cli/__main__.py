"""`python -m grapy_cli`, so that `torchrun -m grapy_cli train ...` works."""

from grapy_cli.cli.app import main

if __name__ == "__main__":
    main()
