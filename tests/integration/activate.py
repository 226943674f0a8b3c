"""Holds the gateway's socket, as systemd does, and starts one gateway after the other on
it.

    activate.py SOCKET STATUS_FILE PROGRAM ARGUMENT...

SIGHUP ends the present one with SIGTERM and starts the next; its exit status is appended
to STATUS_FILE. SIGTERM ends it all.
"""
import os
import signal
import socket
import subprocess
import sys

FIRST = 3  # the first descriptor that is handed over


def start(listener, command):
    def hand_over():
        os.dup2(listener.fileno(), FIRST, inheritable=True)

    os.environ["LISTEN_FDS"] = "1"
    # the shell knows its own process id, and keeps it
    shell = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"] + command
    return subprocess.Popen(shell, preexec_fn=hand_over, pass_fds=(FIRST,))


def end(child, status_file):
    child.send_signal(signal.SIGTERM)
    status = child.wait(60)
    with open(status_file, "a", encoding="ascii") as file:
        print(status, file=file)


def main():
    path, status_file, *command = sys.argv[1:]
    signals = {signal.SIGHUP, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    listener = socket.socket(socket.AF_UNIX)
    os.umask(0o117)
    listener.bind(path)
    listener.listen(4096)
    child = start(listener, command)
    while signal.sigwait(signals) == signal.SIGHUP:
        end(child, status_file)
        child = start(listener, command)
    end(child, status_file)


main()
