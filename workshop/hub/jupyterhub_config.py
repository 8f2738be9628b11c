"""JupyterHub for a class on one machine: own accounts, memory limits by systemd, idle servers stop.

README.md in this folder says how to set it up and where the numbers come from. The configuration
finds the course by its own place: it stays where it is, in the course's folder.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
c = get_config()  # noqa: F821 - JupyterHub provides it

# ------------------------------------------------------------------------------------- who may in

# Linux accounts with a password each, made by accounts.py out of the class list. Nobody can sign
# up, and nobody can take another one's name.
c.JupyterHub.authenticator_class = "pam"
c.PAMAuthenticator.allowed_groups = {"saliency"}
c.PAMAuthenticator.admin_groups = {"saliency-teachers"}

# ------------------------------------------------------------------------------------------- TLS

# Passwords do not travel in the open: without a certificate the Hub answers on this machine alone.
CERTIFICATE = Path("/etc/saliency-hub/tls.crt")
if CERTIFICATE.is_file():
    c.JupyterHub.bind_url = "https://:443"
    c.JupyterHub.ssl_cert = str(CERTIFICATE)
    c.JupyterHub.ssl_key = str(CERTIFICATE.with_suffix(".key"))
else:
    c.JupyterHub.bind_url = "http://127.0.0.1:8000"

# ------------------------------------------------------------------------- one server a student

# It starts as the student's own account, in a systemd unit of its own. That is what enforces the
# memory limit; JupyterHub's own LocalProcessSpawner would ignore it.
c.JupyterHub.spawner_class = "systemdspawner.SystemdSpawner"
c.SystemdSpawner.isolate_tmp = True
c.SystemdSpawner.isolate_devices = True
c.SystemdSpawner.disable_user_sudo = True
c.SystemdSpawner.default_shell = "/bin/bash"

c.Spawner.cmd = [sys.executable, str(HERE / "start_server.py")]
c.Spawner.default_url = "/lab/tree/saliency-course/00_start_here.ipynb"
c.Spawner.args = [
    # What a kernel prints goes to its server through a socket in the student's home folder, not
    # through a TCP port, where every account of the machine could listen.
    "--KernelManager.transport=ipc",
    # The kernel of a lesson whose tab was closed 20 minutes ago: each takes half a gigabyte.
    "--MappingKernelManager.cull_idle_timeout=1200",
]
c.Spawner.environment = {
    "PYTHONNOUSERSITE": "1",  # a student's own `pip install` cannot break the course
}

# ---------------------------------------------------------------- memory and waiting, as measured

c.Spawner.mem_limit = "2G"
MEMORY_HUB, MEMORY_STUDENT = 1.5e9, 0.75e9
memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
# One student too many is told to try again later, instead of everybody's kernels being killed.
c.JupyterHub.active_server_limit = max(1, int((memory - MEMORY_HUB) / MEMORY_STUDENT))

# When all come at once they wait for the processors; that is no reason to give up.
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

# The Hub can be restarted during a lesson: the students' servers go on.
c.JupyterHub.cleanup_servers = False
