"""What the printed forms need is loaded by who prints."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["hub.worker.app", "hub.http.app", "hub.app", "hub.cli.main"])
def test_neither_the_worker_nor_the_api_loads_the_compiler_or_the_pdf_library(module: str) -> None:
    asked = f"import sys, {module}; print(*sorted({{'typst', 'pyhanko', 'fontTools'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
