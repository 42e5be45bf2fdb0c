import subprocess
import sys
import zipfile

from hive_nornir.operations.core import Observed
from hive_nornir.tasks import programs


def test_a_program_is_one_file_that_python_runs(tmp_path):
    file = tmp_path / "hive_onhost.pyz"
    file.write_bytes(programs._archive("hive_onhost"))
    done = subprocess.run([sys.executable, "-I", file, "nonsense"], capture_output=True, text=True)
    assert (done.returncode, "nonsense" in done.stderr) == (2, True)
    assert "hive_onhost/__main__.py" in zipfile.ZipFile(file).namelist()


def test_the_same_sources_give_the_same_file():
    first = programs._archive("hive_onhost")
    programs._archive.cache_clear()
    assert programs._archive("hive_onhost") == first
    assert programs.digest("hive_onhost") == programs.digest("hive_onhost")


def test_a_program_that_is_there_is_left_alone():
    operation = programs.program("hive_onhost")
    checksum = operation.probe.split()[2]
    assert operation.decide(Observed(f"regular file|755|root|root|0|0|100\n{checksum}\n")) is None
    change = operation.decide(Observed("absent\n"))
    assert change is not None
    assert "/opt/hive/lib" in change.apply
