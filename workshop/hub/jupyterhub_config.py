"""JupyterHub for a class on one machine: own accounts, memory limits by systemd, idle servers stop.

README.md in this folder says how to set it up and where the numbers come from. Leave this file in
the course's folder: that's how it finds the course.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# JupyterHub provides get_config.
c = get_config()  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

# --------------------------------------------------------------------------------- who may log in

# Linux accounts with a password each, made by accounts.py from the class list. Nobody can sign up,
# and nobody can take somebody else's name.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"saliency"}
c.PAMAuthenticator.admin_groups = {"saliency-teachers"}

# ------------------------------------------------------------------------------------------- TLS

# Passwords never travel unencrypted: without a certificate, the Hub only answers on this machine.
CERTIFICATE = Path("/etc/saliency-hub/tls.crt")
if CERTIFICATE.is_file():
    c.JupyterHub.bind_url = "https://:443"
    c.JupyterHub.ssl_cert = str(CERTIFICATE)
    c.JupyterHub.ssl_key = str(CERTIFICATE.with_suffix(".key"))
else:
    c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# ------------------------------------------------------------------------ one server per student

# It starts under the student's own account, in its own systemd unit. That enforces the memory
# limit; JupyterHub's own LocalProcessSpawner would ignore it.
c.JupyterHub.spawner_class = "systemdspawner.SystemdSpawner"
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.disable_user_sudo = True
c.SystemdSpawner.default_shell = "/bin/bash"

c.Spawner.cmd = [sys.executable, str(HERE / "start_server.py")]
c.Spawner.default_url = "/lab/tree/saliency-course/00_start_here.ipynb"
c.Spawner.args = [
    # A kernel's output goes to its server through a socket in the student's home folder, not a TCP
    # port, where every account on the machine could listen.
    "--KernelManager.transport=ipc",
    # Ends a kernel 20 minutes after its lesson's tab was closed: each takes half a gigabyte.
    "--MappingKernelManager.cull_idle_timeout=1200",
]
c.Spawner.environment = {
    "PYTHONNOUSERSITE": "1",  # a student's own `pip install` can't break the course
}

# ---------------------------------------------------------------- memory and waiting, as measured

c.Spawner.mem_limit = "3G"  # lesson 6 takes 2.1 GB at its peak
MEMORY_HUB, MEMORY_STUDENT = 1.5e9, 0.75e9
memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
# One student too many is told to try again later. Otherwise, everybody's kernels would be killed.
c.JupyterHub.active_server_limit = max(1, int((memory - MEMORY_HUB) / MEMORY_STUDENT))

# If everybody comes at once, they wait for the processors; that's no reason to give up.
c.Spawner.start_timeout = 300
c.Spawner.http_timeout = 300

# ---------------------------------------------------------------------------- idle servers stop

c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]

# You can restart the Hub during a lesson: the students' servers keep running.
c.JupyterHub.cleanup_servers = False
