"""Builds the RPMs that rpms.ini lists, of files that it takes out of the root filesystem in which it runs, and a repository of them."""

import configparser
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path("/var/tmp/rpms")  # noqa: S108 - nobody else is in a root filesystem that is being built
PAYLOAD = WORK / "payload"
REPOSITORY = Path("/srv/rpms")
NOT_PACKAGED = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/", "/etc/init.d/", "/etc/default/")
PROLOGUE = f"""\
Name: hive-sandbox
Version: 9.4
Release: 1.el9
Summary: packages of the sandbox
License: MIT
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
%global _binary_payload w1.gzdio
%description
The source of the sandbox's packages.
%install
cp -al {PAYLOAD}/. %{{buildroot}}
"""


def run(*command: str) -> str:
    """The output of a program that must succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - a list, no shell


def real(path: str) -> str:
    """A path as it is after the merge of /bin, /sbin and /lib into /usr."""
    return "/usr" + path if path.startswith(("/bin/", "/sbin/", "/lib/", "/lib64/")) else path


def move(path: str) -> bool:
    """Take a file out of the root filesystem, into the payload; whether there is such a file."""
    source = Path(path)
    # Links to folders are the base system's own, /lib among them.
    if source.is_dir() or not (source.is_symlink() or source.exists()):
        return False
    target = PAYLOAD / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, target)
    return True


def collect(name: str, section: configparser.SectionProxy, taken: set[str]) -> list[str]:
    """Put the files of one RPM into the payload.

    :param taken: paths that other RPMs have already; they stay theirs.
    :returns: paths.
    """
    wanted = {real(path) for path in section.get("files", "").split()}
    for package in section.get("debian", "").split():
        wanted.update(real(path) for path in run("dpkg", "-L", package).splitlines() if not path.startswith(NOT_PACKAGED))
    for link in section.get("links", "").split():
        path, _, destination = link.partition("->")
        Path(path).symlink_to(destination)
        wanted.add(path)
    found = [path for path in sorted(wanted - taken) if move(path)]
    own = HERE / "payload" / name
    if own.is_dir():
        shutil.copytree(own, PAYLOAD, dirs_exist_ok=True)
        found += [f"/{path.relative_to(own)}" for path in sorted(own.rglob("*")) if not path.is_dir()]
    taken.update(found)
    return found


def stanza(name: str, section: configparser.SectionProxy, files: list[str]) -> str:
    """The part of the spec file that is one RPM."""
    lines = [f"%package -n {name}", f"Summary: {name} of the sandbox", "AutoReqProv: no"]
    lines += [f"{key.capitalize()}: {section[key]}" for key in ("requires", "provides") if key in section]
    lines += [f"%description -n {name}", f"{name} of the sandbox"]
    if "group" in section:
        lines += [f"%pre -n {name}", f"getent group {section['group']} >/dev/null || groupadd -r {section['group']}"]
    if any("/systemd/system/" in path for path in files):
        lines += [f"%post -n {name}", "systemctl daemon-reload || :", f"%postun -n {name}", "systemctl daemon-reload || :"]
    lines += [f"%files -n {name}", *(("%config(noreplace) " if path.startswith("/etc/") else "") + f'"{path}"' for path in files)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Build, make the repository, and install what belongs to the base system."""
    packages = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    packages.read(HERE / "rpms.ini")
    PAYLOAD.mkdir(parents=True)
    taken: set[str] = set()
    # Single files first: the rest of a Debian package goes to the RPM that names the package.
    order = sorted(packages.sections(), key=lambda name: "debian" in packages[name])
    files = {name: collect(name, packages[name], taken) for name in order}
    spec = WORK / "hive-sandbox.spec"
    spec.write_text(PROLOGUE + "".join(stanza(name, packages[name], files[name]) for name in packages.sections()))
    defines = ["-D", f"_topdir {WORK}", "-D", f"_rpmdir {REPOSITORY}"]
    run("rpmbuild", "-bb", "--quiet", "--target", "x86_64", *defines, str(spec))
    run("createrepo_c", "--quiet", str(REPOSITORY))
    base = [name for name in packages.sections() if packages[name].getboolean("installed", False)]
    run("rpm", "--install", "--nosignature", *(str(REPOSITORY / "x86_64" / f"{name}-9.4-1.el9.x86_64.rpm") for name in base))
    shutil.rmtree(WORK)


main()
