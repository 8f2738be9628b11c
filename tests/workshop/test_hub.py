"""The class's Hub: its files are safe, agree with each other, and state what was measured.

workshop/hub/check.py checks whether it works, but needs accounts and its own environment.
"""

import csv
import importlib
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import yaml
from traitlets.config.loader import PyFileConfigLoader

from workshop import offline_kit

ROOT = Path(__file__).resolve().parents[2]
HUB = ROOT / "workshop" / "hub"
GUIDE = (HUB / "README.md").read_text(encoding="utf-8")
HANDED_OUT = ("jupyterhub_config.py", "values.yaml", "Dockerfile", "saliency-hub.service")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Hub runs on Linux")


def load(name, monkeypatch):
    monkeypatch.syspath_prepend(str(HUB))
    return importlib.import_module(f"workshop.hub.{name}")


def text(name):
    return (HUB / name).read_text(encoding="utf-8")


def config(folder=HUB):
    return PyFileConfigLoader("jupyterhub_config.py", path=str(folder)).load_config()


def size(words):
    """Return '2G' as a number of bytes, as JupyterHub reads it."""
    return float(words[:-1]) * 1024 ** "_KMGT".index(words[-1])


def rows(name):
    with (HUB / "results" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


VALUES = yaml.safe_load(text("values.yaml"))
SERVER = "/opt/saliency-course/"  # where the guide puts the course


# ----------------------------------------------------------------------------------- safe defaults


@pytest.mark.parametrize("name", HANDED_OUT)
def test_nothing_that_is_handed_out_lets_in_everybody(name):
    assert not re.search("dummy|nullauth|tmpauth|shared-password", text(name), re.IGNORECASE)


def test_one_machine_lets_in_the_class_alone(monkeypatch):
    c, accounts = config(), load("accounts", monkeypatch)
    assert c.JupyterHub.authenticator_class == "pam"
    assert c.PAMAuthenticator.allowed_groups == {accounts.STUDENTS}
    assert c.PAMAuthenticator.admin_groups == {accounts.TEACHERS}
    assert "allow_all" not in c.PAMAuthenticator
    assert "Authenticator" not in c


def test_without_a_certificate_only_this_machine_is_answered(tmp_path):
    tls = tmp_path / "tls.crt"
    code = text("jupyterhub_config.py").replace("/etc/saliency-hub/tls.crt", str(tls))
    (tmp_path / "jupyterhub_config.py").write_text(code, encoding="utf-8")
    assert config(tmp_path).JupyterHub.bind_url == "http://127.0.0.1:8000"
    tls.touch()
    c = config(tmp_path)
    assert c.JupyterHub.bind_url.startswith("https://")
    assert c.JupyterHub.ssl_cert == str(tls)
    assert c.JupyterHub.ssl_key.endswith("tls.key")


def test_a_server_is_its_students_alone_and_limited():
    c = config()
    assert c.JupyterHub.spawner_class == "systemdspawner.SystemdSpawner"  # it enforces the limit
    assert c.SystemdSpawner.isolate_tmp
    assert c.SystemdSpawner.disable_user_sudo
    assert "--KernelManager.transport=ipc" in c.Spawner.args
    assert size(c.Spawner.mem_limit) > 0
    assert c.JupyterHub.active_server_limit > 0


def test_idle_servers_stop():
    c = config()
    (culler,) = c.JupyterHub.services
    assert "jupyterhub_idle_culler" in culler["command"]
    (role,) = c.JupyterHub.load_roles
    assert role["services"] == [culler["name"]]
    assert "delete:servers" in role["scopes"]
    (timeout,) = [w for w in culler["command"] if w.startswith("--timeout=")]
    assert VALUES["cull"]["enabled"]
    assert timeout == f"--timeout={VALUES['cull']['timeout']}"


def test_on_kubernetes_nobody_comes_in_without_approval_and_encryption():
    settings = VALUES["hub"]["config"]
    assert settings["JupyterHub"]["authenticator_class"] == "native"
    assert settings["NativeAuthenticator"]["open_signup"] is False
    assert VALUES["proxy"]["https"]["enabled"] is True


# --------------------------------------------------------------------------------- one and the same


def test_both_ways_start_the_same_server_with_the_same_limits():
    c, student = config(), VALUES["singleuser"]
    assert student["cmd"] == [f"{SERVER}.venv/bin/python", f"{SERVER}workshop/hub/start_server.py"]
    assert Path(c.Spawner.cmd[1]) == HUB / "start_server.py"
    assert (HUB / "start_server.py").is_file()
    assert student["defaultUrl"] == c.Spawner.default_url
    assert student["memory"]["limit"] == c.Spawner.mem_limit
    assert student["startTimeout"] == c.Spawner.start_timeout
    lesson = c.Spawner.default_url.rsplit("/", 1)[1]
    assert (ROOT / "notebooks" / lesson).is_file()


def test_the_image_is_built_as_the_values_need_it():
    recipe = text("Dockerfile")
    (version,) = re.findall(r"^jupyterhub==(\S+)$", text("image.in"), re.MULTILINE)
    assert f"(JupyterHub {version})" in text("values.yaml")
    for word in VALUES["singleuser"]["cmd"]:
        assert f'"{word}"' in recipe
    assert f"WORKDIR {VALUES['singleuser']['storage']['homeMountPath']}\n" in recipe
    for package in (ROOT / "apt.txt").read_text(encoding="utf-8").split():
        assert package in recipe
    assert f"{SERVER}workshop/hub/jupyterhub_config.py" in text("saliency-hub.service")


@pytest.mark.parametrize("file", ["requirements.txt", "image.txt"])
def test_the_hubs_pins_are_the_courses_where_both_have_one(file):
    def pins(path):
        return {(pin.name, str(pin.specifier)) for pin in offline_kit.pins(path)}

    course, hub = pins(ROOT / "requirements.txt"), pins(HUB / file)
    shared = {name for name, _ in course} & {name for name, _ in hub}
    assert len(shared) > 20
    assert {pin for pin in hub if pin[0] in shared} <= course


# ------------------------------------------------------------------------------------- the students


def test_notebooks_are_copied_once_and_a_students_work_is_never_touched(tmp_path, monkeypatch):
    server = load("start_server", monkeypatch)
    own = tmp_path / "own"
    names = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert server.copy_missing(server.NOTEBOOKS, own) == names
    (own / names[0]).write_text("my work", encoding="utf-8")
    (own / names[1]).unlink()
    (own / names[2]).unlink()
    (own / names[2]).symlink_to("nowhere")  # theirs as well
    assert server.copy_missing(server.NOTEBOOKS, own) == [names[1]]
    assert (own / names[0]).read_text(encoding="utf-8") == "my work"
    assert (own / names[2]).is_symlink()
    assert sorted(path.name for path in own.iterdir()) == names


def test_a_copy_that_was_cut_short_is_made_anew(tmp_path, monkeypatch):
    server = load("start_server", monkeypatch)
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a.ipynb").write_text("whole", encoding="utf-8")
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "a.part").write_text("wh", encoding="utf-8")
    assert server.copy_missing(tmp_path / "from", tmp_path / "to") == ["a.ipynb"]
    assert [p.read_text("utf-8") for p in (tmp_path / "to").iterdir()] == ["whole"]


def test_a_class_list_is_read(tmp_path, monkeypatch):
    accounts = load("accounts", monkeypatch)
    path = tmp_path / "class.txt"
    path.write_text("\ufeffada\n\n# the others\n  group-7  \n", encoding="utf-8")
    assert accounts.read_names(path) == ["ada", "group-7"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("Ada", "can't be the name"),
        ("jörg", "can't be the name"),
        ("../root", "can't be the name"),
        ("-rf", "can't be the name"),
        ("a" * 21, "can't be the name"),
        ("ada\nbob\nada", "is twice"),
        ("# nobody", "no name"),
    ],
)
def test_a_bad_class_list_is_refused_in_words(names, words, tmp_path, monkeypatch):
    accounts = load("accounts", monkeypatch)
    path = tmp_path / "class.txt"
    path.write_text(names, encoding="utf-8")
    with pytest.raises(accounts.Problem, match=words):
        accounts.read_names(path)


def test_passwords_are_long_and_differ(monkeypatch):
    accounts = load("accounts", monkeypatch)
    passwords = {accounts.new_password() for _ in range(100)}
    assert len(passwords) == 100
    form = re.compile(f"[{accounts.LETTERS}]{{4}}(-[{accounts.LETTERS}]{{4}}){{2}}")
    assert all(form.fullmatch(password) for password in passwords)


# ------------------------------------------------------------------------------- what was measured


def test_the_guide_states_the_measured_figures(monkeypatch):
    measure = load("measure", monkeypatch)
    for lines in measure.tables():
        table = "\n".join(lines)
        assert table in GUIDE, f"run measure.py --tables, and put this into the guide:\n{table}"


def test_the_limits_follow_from_the_measurement(monkeypatch):
    measure = load("measure", monkeypatch)
    handed_out = [row for row in rows("class") if row["setting"] == measure.HANDED_OUT]
    base, each = measure.sizing(handed_out)
    code = text("jupyterhub_config.py")
    hub, student = map(float, re.search(r"= (\S+e9), (\S+e9)\n", code).groups())
    # What's reserved covers what was measured, with some room, but doesn't waste seats.
    assert each <= student / 1e6 <= 1.4 * each
    assert base <= hub / 1e6 <= base + 2000
    peak = max(float(row["kernel_peak_rss_mb"]) for row in handed_out)
    assert size(config().Spawner.mem_limit) / 1e6 >= 1.5 * peak
    assert size(VALUES["singleuser"]["memory"]["guarantee"]) / 1e6 >= each


def test_the_guide_names_the_versions_that_are_tried(monkeypatch):
    trial = load("trial", monkeypatch)
    assert trial.PROXY in GUIDE
    assert re.search(r"chart version (\S+) ", text("values.yaml")).group(1) in GUIDE


# ----------------------------------------------------------------------------- while it's running


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="needs root")
def test_collecting_takes_files_and_nothing_that_leads_elsewhere():
    """The lines of running.md, with one account that every Linux has."""
    [lines] = re.findall(r"(?:^    .*\n)+", text("running.md").partition("## Collect")[2], re.M)[:1]
    with tempfile.TemporaryDirectory() as name:
        check_collecting(Path(name), lines)


def check_collecting(folder, lines):
    home = folder / "home" / "nobody" / "saliency-course"
    home.mkdir(parents=True)
    folder.chmod(0o755)  # unlike pytest's own folders
    (home / "Übung 3 (1).ipynb").write_text("{}", encoding="utf-8")
    (home / "secret.ipynb").symlink_to("/etc/shadow")
    (home / "endless.ipynb").symlink_to("/dev/zero")
    os.mkfifo(home / "pipe.ipynb")
    (home / "root.sh").write_text("id", encoding="utf-8")
    (home / "root.sh").chmod(0o4755)
    lines = lines.replace("/home/*", f"{folder}/home/*")
    subprocess.run(["bash", "-e", "-c", lines], cwd=folder, check=True)
    taken = {path.name: path for path in (folder / "handed_in" / "nobody").iterdir()}
    assert taken.keys() == {"Übung 3 (1).ipynb", "root.sh"}
    assert taken["root.sh"].stat().st_mode & 0o7777 == 0o700
