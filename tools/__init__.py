"""What the project's own files are made with, and no package needs: run from a checkout, not part of the wheel."""
