# Set-up: run this cell first. In Colab it installs the course's helper, and touches nothing else.
import importlib.util
import subprocess
import sys
from pathlib import Path

if Path("../course_utils").is_dir():  # a clone of the course, opened in an environment of your own
    sys.path.append(str(Path("..").resolve()))
if "google.colab" in sys.modules and not importlib.util.find_spec("course_utils"):
    source = "git+SOURCE_URL"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", source]
    if subprocess.run(pip).returncode:
        raise RuntimeError(f"The helper could not be installed from {source}: see above.")
if not importlib.util.find_spec("course_utils"):
    raise RuntimeError("course_utils is missing: open this notebook with `python start.py`.")
print("Ready.")
