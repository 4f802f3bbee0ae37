"""The parts of the chat element that need no page: their tests are JavaScript, run by Node's own runner."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_pure_parts_of_the_element_pass_their_tests() -> None:
    files = sorted(str(path.relative_to(ROOT)) for path in Path(__file__).parent.glob("*.test.mjs"))
    node = shutil.which("node")
    assert node is not None, "node is not installed; run scripts/services node"
    done = subprocess.run([node, "--test", *files], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-8_000:]
