# Set-up: run this cell first. In Colab it installs what Colab lacks, and changes nothing else.
import importlib
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

if (Path.cwd().parent / "course_utils").is_dir():  # a clone of the course, on your own computer
    sys.path.append(str(Path.cwd().parent))
done = "Ready."
if "google.colab" in sys.modules:
    address = "SOURCE_URL"  # of the course
    needed = {
        "course_utils": f"git+{address}",
        "tf_explain": "tf-explain==VERSION",
    }
    missing = [name for name in needed if not find_spec(name)]
    if "course_utils" in missing and "/OWNER/" in address:
        raise RuntimeError(
            f"{address} is no real address. In the line above that begins with `address`, replace "
            "OWNER by the account on GitHub where you found the course. (Hosts: see README.md.)"
        )
    if missing:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        run = subprocess.run(pip + [needed[name] for name in missing], capture_output=True)
        if run.returncode:
            print(run.stderr.decode(errors="replace"))
            raise RuntimeError(
                f"pip could not install {', '.join(missing)}, for the reason above. Run this cell "
                f"again; if it fails again, see whether {address} opens in a browser."
            )
        importlib.invalidate_caches()  # makes Python see what is new
        done = f"Ready. Installed for this session: {', '.join(missing)}. Nothing else changed."
if not find_spec("course_utils"):
    raise RuntimeError("course_utils is missing: open this notebook with `python start.py`.")
print(done)
