"""A box: a machine of its own for one MTA, made of namespaces; everything in it dies with it.

The MTA's files come from an unpacked package tree laid over this machine's /usr and /etc, so that set-user-id
programs and compiled-in paths work. box_init.py is what runs inside, as process 1.
"""
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# Accounts that exist in every box; the MTAs' own ones too, because no package is installed that would make them.
USERS = {
    "postfix": 890, "postdrop": 891, "Debian-exim": 892, "smmta": 893, "smmsp": 894, "leumund": 895,
    "www-data": 33, "cp1001": 10001, "cp1002": 10002,
}


class BoxError(Exception):
    pass


def build_dir():
    path = pathlib.Path(os.environ.get("BUILD", "build"))
    return path if path.is_absolute() else PROJECT / path


def why_not():
    """None when boxes can be made here, else the reason."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("unshare", "nsenter", "ip", "setpriv", "pivot_root"):
        if not shutil.which(program, path=PATH):
            return "needs " + program
    layers = ("mount -t tmpfs box /mnt && cd /mnt && mkdir upper work root &&"
              " mount -t overlay -o lowerdir=/etc,upperdir=upper,workdir=work box root")
    unshare = ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--propagation", "private"]
    tried = subprocess.run(unshare + ["sh", "-c", layers], capture_output=True, text=True)
    return "no namespaces or no overlayfs here: " + tried.stderr.strip() if tried.returncode else None


class Box:
    """with Box("postfix", ["postfix", "redis"]) as box: box.run([...])"""

    def __init__(self, name, trees, own_net=True, binds=None):
        self.name = name
        self.own_net = own_net
        build = build_dir()
        self.plan = {
            "name": name, "own_net": own_net, "users": USERS,
            "trees": [str(build / "mta" / "tree" / tree) for tree in trees],
            "mount": str(build / "mta" / "box"),
            "binds": {"/leumund": str(PROJECT), "/build": str(build), **(binds or {})},
        }
        for tree in self.plan["trees"]:
            if not os.path.exists(tree + "/.complete"):
                raise BoxError("no %s: run test/packages" % tree)
        os.makedirs(self.plan["mount"], exist_ok=True)
        self.unshare = None
        self.pid = 0

    def __enter__(self):
        argv = ["unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        if self.own_net:
            argv.append("--net")
        # Process 1 ends when this pipe does: however we die, nothing of the box stays.
        self.unshare = subprocess.Popen(argv + ["/usr/bin/python3", str(HERE / "box_init.py"), json.dumps(self.plan)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
                                        env={"PATH": PATH, "LC_ALL": "C.UTF-8"})
        ready, _, _ = select.select([self.unshare.stdout], [], [], 20)
        line = self.unshare.stdout.readline().decode().strip() if ready else "no answer in 20 s"
        if line != "ready":
            self.close()
            raise BoxError("box %s: %s" % (self.name, line or "ended at once, see above"))
        self.pid = int(pathlib.Path("/proc/%d/task/%d/children" % (self.unshare.pid, self.unshare.pid)).read_text())
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.unshare:
            self.unshare.stdin.close()
            try:
                self.unshare.wait(5)
            except subprocess.TimeoutExpired:
                self.unshare.kill()
                self.unshare.wait()
            self.unshare = None

    def path(self, inside):
        """A file of the box as it is seen from here."""
        return pathlib.Path("/proc/%d/root" % self.pid) / str(inside).lstrip("/")

    def read(self, inside):
        try:
            return self.path(inside).read_bytes().decode("utf-8", "backslashreplace")
        except FileNotFoundError:
            return ""

    def write(self, inside, text, mode=0o644):
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def command(self, argv, user=None, world=False, env=None):
        enter = ["nsenter", "--target", str(self.pid), "--mount", "--uts", "--ipc", "--pid"]
        if self.own_net:
            enter.append("--net")
        if world:
            enter += ["nsenter", "--net=/run/world.net"]
        if user:
            groups = "--clear-groups" if user.isdigit() else "--init-groups"
            enter += ["setpriv", "--reuid=" + user, "--regid=" + user, groups]
        home = "/home/" + user if user and user.startswith("cp") else "/"
        settings = {"PATH": PATH, "HOME": home, "LC_ALL": "C.UTF-8", **(env or {})}
        if user:
            settings.update(USER=user, LOGNAME=user)
        return enter + ["env", "-i", "-C", home] + ["%s=%s" % pair for pair in settings.items()] + list(argv)

    def start(self, argv, **how):
        where = {key: how.pop(key) for key in ("user", "world", "env") if key in how}
        return subprocess.Popen(self.command(argv, **where), **how)

    def run(self, argv, user=None, world=False, env=None, input=None, timeout=60, check=True):
        """Runs to the end; bytes or text in, text out (stdout and stderr together), and .returncode."""
        if isinstance(input, str):
            input = input.encode()
        done = subprocess.run(self.command(argv, user, world, env), input=input if input is not None else b"",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout)
        done.stdout = done.stdout.decode("utf-8", "backslashreplace")
        if check and done.returncode:
            raise BoxError("%s: status %d: %s" % (" ".join(argv), done.returncode, done.stdout))
        return done

    def wait(self, condition, seconds=10, what=""):
        """The condition's value as soon as it is true, or its last value when time is over."""
        end = time.monotonic() + seconds
        while True:
            value = condition()
            if value or time.monotonic() > end:
                return value
            time.sleep(0.02)


if __name__ == "__main__":
    # A shell in a box: box.py TREE... [-- COMMAND...]
    arguments = sys.argv[1:]
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    with Box("shell", arguments[:cut]) as shell:
        sys.exit(subprocess.call(shell.command(arguments[cut + 1:] or ["bash", "-i"])))
