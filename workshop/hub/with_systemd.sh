#!/bin/bash
# Run a command under its own systemd, to try things where none is running, as in most containers:
#
#     with_systemd.sh OUTPUT COMMAND...        (as root; COMMAND's output goes into the file OUTPUT)
#
# It's the real systemd, the first process in its own namespace, and the command is its only service;
# when that ends, everything ends. It needs version 1 of control groups, and exits with COMMAND's
# status.
set -euo pipefail

controllers="memory pids cpu"
if [ "$1" != --inside ]; then
    # Our own control group, as the root of systemd's.
    folders=()
    for name in $controllers systemd; do
        own=$(awk -F: -v name="$name" '$2 == name || $2 == "name=" name { print $3 }' /proc/self/cgroup)
        folder=/sys/fs/cgroup/$name$own/saliency-trial
        mkdir -p "$folder"
        folders+=("$folder")
    done
    status=0
    (
        for folder in "${folders[@]}"; do echo "$BASHPID" >"$folder/cgroup.procs"; done
        exec unshare --mount --pid --fork --kill-child --cgroup --mount-proc \
            bash "$0" --inside "$@"
    ) || status=$?
    for folder in "${folders[@]}"; do find "$folder" -depth -type d -exec rmdir {} + || true; done
    exit "$status"
fi

output=$2
shift 2
mount -t tmpfs none /run
mount -t tmpfs none /sys/fs/cgroup
for name in $controllers; do
    mkdir "/sys/fs/cgroup/$name"
    mount -t cgroup -o "$name" none "/sys/fs/cgroup/$name"
done
mkdir /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd none /sys/fs/cgroup/systemd

units=/run/trial-units # instead of all installed units
mkdir "$units"
for target in sysinit basic shutdown; do
    printf '[Unit]\nDefaultDependencies=no\n' >"$units/$target.target"
done
printf '%q ' exec "$@" >"$units/command.sh"
cat >"$units/trial.service" <<UNIT
[Unit]
DefaultDependencies=no
SuccessAction=exit-force
FailureAction=exit-force

[Service]
Type=oneshot
WorkingDirectory=$PWD
Environment="PATH=$PATH"
ExecStart=/bin/bash $units/command.sh
StandardOutput=append:$output
StandardError=append:$output
UNIT
export container=trial SYSTEMD_UNIT_PATH=$units
exec /lib/systemd/systemd --system --unit=trial.service --log-target=null
