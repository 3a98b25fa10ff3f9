"""Why a machine cannot be used, from what ssh or its shell said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sepcost.errors import HostError

NOT_FOUND = 127  # exit code of a shell that does not find a program
OF_SSH = 255  # exit code of ssh's own errors

#: Part of a message of ssh -> what it means, and the remedy.
_REMEDIES: Mapping[str, str] = {
    "Permission denied": (
        "the key was refused; check that 'ssh {host}' works without a password (ssh-copy-id {host})"
    ),
    "Host key verification failed": (
        "the machine's own key is not known here; run 'ssh {host}' once and accept it"
    ),
    "HOST IDENTIFICATION HAS CHANGED": (
        "the machine's own key has changed; check that it is the same machine (ssh-keygen -R)"
    ),
    "Could not resolve hostname": "unknown host; check its name, or ~/.ssh/config",
    "Name or service not known": "unknown host; check its name, or ~/.ssh/config",
    "Connection refused": "no ssh server answers there; start it, or check the port",
    "timed out": "no answer; check that the machine is on and its address is right",
    "No route to host": "no route to it; check that the machine is on and its address is right",
    "Network is unreachable": "no route to it; check the network here",
}


def explained(host: str, code: int, said: Sequence[str]) -> HostError:
    """The error for a connection that could not be opened."""
    text = "\n".join(said)
    last = said[-1][:300] if said else "no message"
    if code == NOT_FOUND:
        message = "no python3 there; install Python 3.11 or newer, then 'sepcost host setup {host}'"
    elif code == OF_SSH:
        known = (remedy for sign, remedy in _REMEDIES.items() if sign in text)
        message = next(known, "ssh failed; try 'ssh {host}'")
        message = f"{message} (ssh: {last.removeprefix('ssh: ')})"
    else:
        message = f"python3 there exited with {code}: {last}; try 'ssh {{host}} python3 -V'"
    return HostError(f"--host {host}: {message.replace('{host}', host)}")
