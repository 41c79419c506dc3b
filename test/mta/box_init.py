"""Process 1 of a box: lays out its files, its network and its services, then waits for the end.

Never run outside of the namespaces that box.py makes: it changes the root directory.
Inside: host name cp1server.example.com at 203.0.113.10; a second network namespace plays the rest of the world with
a client at 198.51.100.77 and a mail exchanger at 198.51.100.25 that records whatever it is given.
"""
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading

HOST = "cp1server.example.com"
OWN, CLIENT, EXCHANGER = "203.0.113.10", "198.51.100.77", "198.51.100.25"
TEXTS = {"allowed.example": "v=spf1 ip4:198.51.100.77 -all", "forbidden.example": "v=spf1 -all exp=why.forbidden.example",
         "kunde-zwei.example": "v=spf1 ip4:198.51.100.0/24 -all",
         "kunde-eins.example": "v=spf1 ip4:203.0.113.10 -all", "_dmarc.kunde-eins.example": "v=DMARC1; p=reject; aspf=s",
         "escaped.example": "v=spf1 -all exp=why.escaped.example",
         "why.escaped.example": "http://example.com/why.html?l=%{L}",
         "why.forbidden.example": "100%% sure: %{i} is no \"server\" of ours"}
HOME_DOMAINS = ("kunde-eins.example", "kunde-zwei.example")
NAMES = {HOST: OWN, "client.world.example": CLIENT, "mx.world.example": EXCHANGER}
PIPES = []


def sh(*argv, **how):
    subprocess.run(argv, check=True, **how)


# ---- files -------------------------------------------------------------------------------------

def overlay(root, name, trees):
    lower = [tree + "/" + name for tree in trees if os.path.isdir(tree + "/" + name)] + ["/" + name]
    upper, work = (root / ".overlay" / (name + suffix) for suffix in (".upper", ".work"))
    for path in (upper, work, root / name):
        path.mkdir(parents=True)
    sh("mount", "-t", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" % (":".join(lower), upper, work), "box",
       str(root / name))


def devices(dev):
    dev.mkdir()
    sh("mount", "-t", "tmpfs", "-o", "mode=755", "box", str(dev))
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (dev / name).touch()
        sh("mount", "--bind", "/dev/" + name, str(dev / name))
    for name in ("pts", "shm"):
        (dev / name).mkdir()
    sh("mount", "--bind", "/dev/pts", str(dev / "pts"))
    (dev / "fd").symlink_to("/proc/self/fd")
    (dev / "ptmx").symlink_to("pts/ptmx")
    (dev / "shm").chmod(0o1777)


def layout(plan):
    root = pathlib.Path(plan["mount"])
    sh("mount", "-t", "tmpfs", "-o", "mode=755", "box", str(root))
    overlay(root, "usr", plan["trees"])
    overlay(root, "etc", plan["trees"])
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        host = pathlib.Path("/" + name)
        if host.is_symlink():
            (root / name).symlink_to(os.readlink(host))
        elif host.is_dir():
            (root / name).mkdir()
            sh("mount", "--rbind", str(host), str(root / name))
    devices(root / "dev")
    (root / "proc").mkdir()
    sh("mount", "-t", "proc", "proc", str(root / "proc"))
    for name in ("run", "home", "root", "var/log", "var/lib", "var/spool", "var/mail", "var/cache", "tmp", "var/tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name in ("tmp", "var/tmp", "var/mail"):
        (root / name).chmod(0o1777)
    (root / "var/run").symlink_to("/run")
    for inside, outside in plan["binds"].items():
        target = root / inside.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        sh("mount", "--bind", outside, str(target))
    old = root / ".host"
    old.mkdir()
    sh("pivot_root", str(root), str(old))
    os.chdir("/")
    sh("umount", "-l", "/.host")
    os.rmdir("/.host")


def accounts(users):
    for name in ("passwd", "group"):
        path = pathlib.Path("/etc", name)
        lines = [line for line in path.read_text().splitlines() if line.split(":")[0] not in users]
        for user, uid in users.items():
            home = "/home/" + user if user.startswith("cp") else "/nonexistent"
            # leumundd gives its sockets to the MTA's group
            members = "leumund" if user in ("postfix", "Debian-exim", "smmsp") else ""
            lines.append("%s:x:%d:%d::%s:/bin/sh" % (user, uid, uid, home) if name == "passwd" else
                         "%s:x:%d:%s" % (user, uid, members))
        path.write_text("\n".join(lines) + "\n")
    for user, uid in users.items():
        if user.startswith("cp"):
            os.makedirs("/home/" + user, 0o711, exist_ok=True)
            os.chown("/home/" + user, uid, uid)


def settings(own_net):
    for name in ("resolv.conf", "hosts", "nsswitch.conf", "hostname", "mailname"):
        path = pathlib.Path("/etc", name)
        if path.is_symlink() or path.exists():
            path.unlink()
    own = OWN if own_net else "127.0.0.1"
    pathlib.Path("/etc/hosts").write_text("127.0.0.1 localhost\n%s %s cp1server\n" % (own, HOST))
    pathlib.Path("/etc/resolv.conf").write_text("nameserver %s\n" % ("127.0.0.1" if own_net else "127.0.0.254"))
    pathlib.Path("/etc/hostname").write_text(HOST + "\n")
    pathlib.Path("/etc/mailname").write_text(HOST + "\n")
    kinds = ("passwd", "group", "protocols", "services", "aliases", "shadow")
    pathlib.Path("/etc/nsswitch.conf").write_text("hosts: files dns\n" + "".join(kind + ": files\n" for kind in kinds))
    socket.sethostname(HOST)


# ---- the network -------------------------------------------------------------------------------

def network():
    sh("ip", "link", "set", "lo", "up")
    world = subprocess.Popen(["unshare", "--net", "/usr/bin/python3", "/leumund/test/mta/box_init.py", "--world"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    world.stdout.readline()
    sh("ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1", "netns", str(world.pid))
    sh("ip", "addr", "add", OWN + "/24", "dev", "eth0")
    sh("ip", "link", "set", "eth0", "up")
    sh("ip", "route", "add", "198.51.100.0/24", "dev", "eth0")
    pathlib.Path("/run/world.net").touch()
    sh("mount", "--bind", "/proc/%d/ns/net" % world.pid, "/run/world.net")
    world.stdin.write(b"go\n")
    world.stdin.flush()
    world.stdout.readline()
    PIPES.append(world)  # its standard input stays open as long as we live


def world_main():
    print("here", flush=True)
    sys.stdin.readline()
    sh("ip", "link", "set", "lo", "up")
    for address in (CLIENT, EXCHANGER):
        sh("ip", "addr", "add", address + "/24", "dev", "eth1")
    sh("ip", "link", "set", "eth1", "up")
    sh("ip", "route", "add", "203.0.113.0/24", "dev", "eth1")
    listener = socket.create_server((EXCHANGER, 25), backlog=100)
    print("up", flush=True)
    lock = threading.Lock()
    while True:
        threading.Thread(target=exchanger, args=(listener.accept()[0], lock), daemon=True).start()


def exchanger(client, lock):
    """Takes every mail and writes it down, one JSON object a line."""
    mail = {"mail_from": "", "rcpt_to": [], "data": ""}
    stream = client.makefile("rwb", buffering=0)

    def say(text):
        stream.write(text.encode() + b"\r\n")

    say("220 mx.world.example ESMTP")
    for line in stream:
        line = line.decode("latin-1").rstrip("\r\n")
        verb = line[:4].upper()
        if verb == "EHLO":
            say("250-mx.world.example\r\n250-8BITMIME\r\n250 SMTPUTF8")
        elif verb == "MAIL":
            mail = {"mail_from": line[10:], "rcpt_to": [], "data": ""}
            say("250 2.1.0 ok")
        elif verb == "RCPT":
            mail["rcpt_to"].append(line[8:])
            say("250 2.1.5 ok")
        elif verb == "DATA":
            say("354 go on")
            lines = []
            for text in stream:
                if text == b".\r\n":
                    break
                lines.append(text.decode("latin-1").rstrip("\r\n"))
            mail["data"] = "\n".join(lines)
            with lock, open("/var/log/exchanger", "a") as log:
                log.write(json.dumps(mail) + "\n")
            say("250 2.6.0 taken")
        elif verb == "QUIT":
            say("221 2.0.0 bye")
            break
        else:
            say("250 2.0.0 ok")
    client.close()


# ---- services ----------------------------------------------------------------------------------

def dns_answer(query):
    end = query.index(b"\0", 12)
    labels, at = [], 12
    while at < end:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    name = ".".join(labels).lower()
    kind = struct.unpack(">H", query[end + 1:end + 3])[0]
    records = []
    if kind == 1 and name in NAMES:
        records.append(struct.pack(">HHIH", 1, 1, 60, 4) + socket.inet_aton(NAMES[name]))
    elif kind == 15 and name not in NAMES:
        target = HOST if name in HOME_DOMAINS else "mx.world.example"
        wire = b"".join(bytes([len(label)]) + label.encode() for label in target.split(".")) + b"\0"
        records.append(struct.pack(">HHIHH", 15, 1, 60, len(wire) + 2, 10) + wire)
    elif kind == 12 and name.endswith(".in-addr.arpa"):
        address = ".".join(reversed(name.split(".")[:4]))
        for host, known in NAMES.items():
            if known == address:
                wire = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) + b"\0"
                records.append(struct.pack(">HHIH", 12, 1, 60, len(wire)) + wire)
    elif kind == 16 and name in TEXTS:
        wire = bytes([len(TEXTS[name])]) + TEXTS[name].encode()
        records.append(struct.pack(">HHIH", 16, 1, 60, len(wire)) + wire)
    head = query[:2] + struct.pack(">HHHHH", 0x8580, 1, len(records), 0, 0)
    return head + query[12:end + 5] + b"".join(b"\xc0\x0c" + record for record in records)


def dns():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve():
        while True:
            query, client = server.recvfrom(4096)
            try:
                server.sendto(dns_answer(query), client)
            except (ValueError, IndexError, struct.error):
                pass

    threading.Thread(target=serve, daemon=True).start()


def syslog(own_net):
    if own_net:
        # As systemd sets it; with the kernel's 10, lines are lost under load.
        pathlib.Path("/proc/sys/net/unix/max_dgram_qlen").write_text("512")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    log = open("/var/log/mail.log", "ab", buffering=0)

    def serve():
        while True:
            line = server.recv(65536).rstrip(b"\n\0")
            log.write(line[line.find(b">") + 1:] + b"\n")

    threading.Thread(target=serve, daemon=True).start()


def main():
    plan = json.loads(sys.argv[1])
    layout(plan)
    accounts(plan["users"])
    settings(plan["own_net"])
    syslog(plan["own_net"])
    if plan["own_net"]:
        dns()
        network()
    # Orphans become our children; the kernel reaps them, and Popen.wait() is not used below this line.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    sys.stdin.read()  # until box.py ends


if __name__ == "__main__":
    if sys.argv[1] == "--world":
        world_main()
    else:
        os.umask(0o022)
        main()
