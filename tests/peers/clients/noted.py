"""Runs a server for a client and notes how it ended: one line with the exit code per process.

noted.py FILE COMMAND…
"""

import signal
import subprocess
import sys

child = subprocess.Popen(sys.argv[2:])
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, _: child.send_signal(number))
with open(sys.argv[1], "a") as notes:
    code = child.wait()
    notes.write(f"{code}\n")
