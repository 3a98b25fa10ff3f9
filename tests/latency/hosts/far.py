"""A real sshd on the loopback address: a far machine with its own Python and its own cache."""

import os
import shutil
import socket
import subprocess
import sys
import time
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd", path=f"/usr/sbin:{os.environ['PATH']}")
SSH = shutil.which("ssh")
#: All that ``host setup`` installs; the far machine has neither onnx nor typer nor rich.
INSTALLED = ("numpy", "numpy.libs", "onnxruntime", "ml_dtypes")


@dataclass(frozen=True)
class Far:
    """The far machine: its hosts are ``far``, and those that something is wrong with."""

    folder: Path
    bin: Path  # its ``ssh`` reads our configuration

    @property
    def cache(self):
        return self.folder / "cache" / "sepcost"

    @property
    def blobs(self):
        return {path.name for path in (self.cache / "blobs").glob("*")}

    def left(self, patience_s=10.0):
        """Folders of connections that are still there after a moment."""
        until = time.monotonic() + patience_s
        while True:
            left = [path for path in (self.cache / "connections").glob("*") if path.is_dir()]
            if not left or time.monotonic() > until:
                return left
            time.sleep(0.05)

    def workers(self):
        """Processes that run the worker there."""
        python = str(self.cache / "venv" / "bin" / "python").encode()
        return [int(path.parent.name) for path in commands() if read(path).startswith(python)]


def commands():
    return Path("/proc").glob("[0-9]*/cmdline")


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def key(folder, name):
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path, path.with_suffix(".pub").read_text().strip()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def site_of(folder):
    return next((folder / "lib").glob("python*")) / "site-packages"


def make_python(folder):
    """A virtual environment as ``host setup`` makes it, with links instead of downloads."""
    builder = venv.EnvBuilder(symlinks=True)
    builder.create(folder)
    site = site_of(folder)
    for name in INSTALLED:
        for root in map(Path, sys.path):
            if (root / name).is_dir() and not (site / name).exists():
                (site / name).symlink_to(root / name)
    (folder / "ready").touch()


#: Host -> what its login does instead of the command that was asked for.
LOGINS = {
    "far": None,
    "talkative": 'echo Welcome; echo "{not json"; exec sh -c "$SSH_ORIGINAL_COMMAND"',
    "bare": 'XDG_CACHE_HOME=FOLDER/bare exec sh -c "$SSH_ORIGINAL_COMMAND"',
    "pythonless": "exec no-such-python3",
    "old": 'echo sepcost-agent "{\\"hello\\": {\\"python\\": [3, 9, 2]}}"',
    "fresh": 'XDG_CACHE_HOME=FOLDER/fresh exec sh -c "$SSH_ORIGINAL_COMMAND"',
    "readonly": 'XDG_CACHE_HOME=/dev/null exec sh -c "$SSH_ORIGINAL_COMMAND"',
    "full": 'ulimit -f 2000; exec sh -c "$SSH_ORIGINAL_COMMAND"',
}


def start(folder):
    """Start sshd and write the configurations of both sides."""
    port, host_key = free_port(), key(folder, "host_key")
    logins = {name: key(folder, f"key-{name}") for name in LOGINS}
    lines = []
    for name, (_, public) in logins.items():
        command = (LOGINS[name] or "").replace("FOLDER", str(folder)).replace('"', '\\"')
        lines.append((f'command="{command}" ' if command else "") + public)
    (folder / "authorized_keys").write_text("\n".join(lines) + "\n")
    far_bin, near_bin = folder / "far-bin", folder / "bin"
    far_bin.mkdir()
    near_bin.mkdir()
    python = getattr(sys, "_base_executable", sys.executable)
    script(far_bin / "python3", f'exec "{python}" "$@"')
    script(near_bin / "ssh", f'exec {SSH} -F "{folder}/ssh_config" "$@"')
    (folder / "sshd_config").write_text(f"""
        Port {port}
        ListenAddress 127.0.0.1
        HostKey {host_key[0]}
        AuthorizedKeysFile {folder}/authorized_keys
        PidFile none
        StrictModes no
        UsePAM no
        PasswordAuthentication no
        KbdInteractiveAuthentication no
        PermitRootLogin prohibit-password
        MaxStartups 100
        SetEnv XDG_CACHE_HOME={folder}/cache PATH={far_bin}:/usr/local/bin:/usr/bin:/bin
    """)
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key[1]}\n")
    key(folder, "key-refused")
    hosts = "".join(
        f"Host {name}\n  IdentityFile {folder}/key-{name}\n" for name in [*LOGINS, "refused"]
    )
    (folder / "ssh_config").write_text(f"""{hosts}
        Host unlisted
          IdentityFile {folder}/key-far
          UserKnownHostsFile /dev/null
        Host closed
          Port {free_port()}
        Host *.invalid
          HostName %h
        Host *
          HostName 127.0.0.1
          Port {port}
          IdentitiesOnly yes
          StrictHostKeyChecking yes
          UserKnownHostsFile {folder}/known_hosts
    """)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen(
        [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")],
        stderr=subprocess.DEVNULL,
    )
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    make_python(folder / "cache" / "sepcost" / "venv")
    return Far(folder, near_bin), process


def wheels(folder, real, **versions):
    """Wheels of the packages that lead Python to the real ones, without copying them."""
    from sepcost.latency.advice import version_here

    folder.mkdir()
    for name in ("numpy", "onnxruntime", "ml_dtypes"):
        number = versions.get(name, version_here(name))
        stem = f"{name}-{number}"
        info = f"{stem}.dist-info"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}-link.pth", f"{real}\n")
            facts = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n"
            wheel.writestr(f"{info}/METADATA", facts)
            tags = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            wheel.writestr(f"{info}/WHEEL", tags)
            wheel.writestr(f"{info}/RECORD", "")
    return folder


def script(path, line):
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
