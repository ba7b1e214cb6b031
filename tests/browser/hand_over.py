"""The `BROWSER` of this ring: leaves the address where the ring finds it, for the browser it drives."""

import os
import sys

with open(os.environ["HAND_OVER"] + ".part", "w") as note:
    note.write(sys.argv[1])
# Whole or not at all: the ring reads as soon as the file is there.
os.rename(os.environ["HAND_OVER"] + ".part", os.environ["HAND_OVER"])
