"""All that needs a GPU, prepared so that a few minutes on a card bring results back: ``python -m benchmarks.gpu --help``.

``plan`` chooses what runs next, ``records`` keeps what every run found, ``worker`` runs one part in a process of its own. Each
of the other modules is one part, or a group of them.
"""
