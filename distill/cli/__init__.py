"""Sub-commands of ``bsn`` that this package adds."""
