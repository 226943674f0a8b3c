"""Run a command; print its seconds and its largest resident set, in KiB."""
import resource
import subprocess
import sys
import time

began = time.monotonic()
code = subprocess.run(sys.argv[1:]).returncode
seconds = time.monotonic() - began
print(f"{seconds:.3f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}")
sys.exit(code)
