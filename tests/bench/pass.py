"""Run a command; print its seconds, its largest resident set in KiB and its seconds
of CPU."""
import resource
import subprocess
import sys
import time

began = time.monotonic()
code = subprocess.run(sys.argv[1:]).returncode
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"{seconds:.3f} {used.ru_maxrss} {used.ru_utime + used.ru_stime:.3f}")
sys.exit(code)
