"""``bsn app`` in a process of its own, as users start it."""

import contextlib
import re
import subprocess
import sys


@contextlib.contextmanager
def running_app(folder, *options):
    """Start ``bsn app`` on a folder, give the address of its page, and end it in order."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bsn", "app", "--no_browser", "--folder", str(folder), *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/\?key=\S+", line)
        assert found, line
        yield found[0]
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()
            process.stdout.close()
