"""Builds the RPMs that rpms.ini lists, of files that it takes out of the root filesystem around it, and signed repositories of them."""

import configparser
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = Path("/var/tmp/rpms")  # noqa: S108 - nobody else is in a root filesystem that is being built
PAYLOAD = WORK / "payload"
BUILT = WORK / "RPMS" / "x86_64"
REPOSITORIES = Path("/srv/rpms")
NOT_PACKAGED = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/", "/etc/init.d/", "/etc/default/")
PROLOGUE = f"""\
Name: hive-sandbox
Version: 1
Release: 1
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
    found = {path for path in wanted - taken if move(path)}
    own = HERE / "payload" / name
    if own.is_dir():
        shutil.copytree(own, PAYLOAD, dirs_exist_ok=True)
        found.update(f"/{path.relative_to(own)}" for path in own.rglob("*") if not path.is_dir())
    taken.update(found)
    return sorted(found)


def stanza(name: str, section: configparser.SectionProxy, files: list[str]) -> str:
    """The part of the spec file that is one RPM."""
    lines = [f"%package -n {name}", f"Summary: {name} of the sandbox", "AutoReqProv: no"]
    lines += [f"{key.capitalize()}: {section[key]}" for key in ("version", "release", "requires", "provides") if key in section]
    lines += [f"%description -n {name}", f"{name} of the sandbox"]
    if "pre" in section:
        lines += [f"%pre -n {name}", section["pre"]]
    # What the triggers of the real systemd's package do.
    reload = ["systemctl daemon-reload || :"] if any("/systemd/system/" in path for path in files) else []
    lines += [f"%post -n {name}", *reload, *(f"systemd-tmpfiles --create {path} || :" for path in files if "tmpfiles.d" in path)]
    lines += [f"%postun -n {name}", *reload]
    lines += [f"%files -n {name}", *(("%config(noreplace) " if path.startswith("/etc/") else "") + f'"{path}"' for path in files)]
    for folder in section.get("folders", "").split():
        path, _, owner = folder.partition(":")
        (PAYLOAD / path.lstrip("/")).mkdir(parents=True, exist_ok=True)
        lines.append(f'%dir %attr(755, {owner or "root"}, {owner or "root"}) "{path}"')
    return "\n".join(lines) + "\n"


def sign(repository: Path) -> None:
    """Sign a repository's packages with a key of its own, whose secret half nobody keeps."""
    home, owner = WORK / f"gnupg-{repository.name}", f"{repository.name} of the sandbox"
    home.mkdir(mode=0o700)
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet")
    run(*gpg, "--passphrase", "", "--quick-generate-key", owner, "rsa2048", "sign", "never")
    run("rpmsign", "-D", f"_gpg_path {home}", "-D", f"_gpg_name {owner}", "--addsign", *map(str, sorted(repository.glob("*.rpm"))))
    (repository / "RPM-GPG-KEY").write_text(run(*gpg, "--armor", "--export"))
    run("gpgconf", "--homedir", str(home), "--kill", "gpg-agent")


def publish(name: str, section: configparser.SectionProxy) -> Path:
    """Move an RPM into its repository; where it is then."""
    file = BUILT / f"{name}-{section['version']}-{section['release']}.x86_64.rpm"
    folder = REPOSITORIES / section["repository"]
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(file, folder / file.name))


def main() -> None:
    """Build, make the repositories, and install what belongs to the base system."""
    packages = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    packages.read(HERE / "rpms.ini")
    PAYLOAD.mkdir(parents=True)
    taken: set[str] = set()
    # Single files first: the rest of a Debian package goes to the RPM that names the package.
    order = sorted(packages.sections(), key=lambda name: "debian" in packages[name])
    files = {name: collect(name, packages[name], taken) for name in order}
    spec = WORK / "hive-sandbox.spec"
    spec.write_text(PROLOGUE + "".join(stanza(name, packages[name], files[name]) for name in packages.sections()))
    run("rpmbuild", "-bb", "--quiet", "--target", "x86_64", "-D", f"_topdir {WORK}", str(spec))
    rpms = {name: publish(name, packages[name]) for name in packages.sections()}
    for folder in sorted({rpm.parent for rpm in rpms.values()}):
        sign(folder)
        run("createrepo_c", "--quiet", str(folder))
    base = [str(rpms[name]) for name in packages.sections() if packages[name].getboolean("installed", False)]
    run("rpm", "--install", "--nosignature", *base)
    shutil.rmtree(WORK)


main()
