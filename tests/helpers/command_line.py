"""Calls of ``bsn`` within a test."""

from bsn.cli import main


def run(capsys, *words):
    """Exit code, standard output and error of a command."""
    code = main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def complaint(capsys, *words):
    """The one line of a command that must fail."""
    code, _, err = run(capsys, *words)
    lines = [line for line in err.splitlines() if line.strip()]
    assert code == 2, err
    assert len(lines) == 1, err
    assert lines[0].startswith((f"bsn {words[0]}", "bsn: "))
    return lines[0]
