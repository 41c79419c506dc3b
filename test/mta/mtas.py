"""The three MTAs, each as a shared hosting server would run it: how it is set up in a box, started and looked at.

leumund's part of every configuration is exactly what `leumund mta` prints: configure() puts the printed parts
where their headings say and adds nothing.
"""
import re

PASSWORD = "test"
LOGINS = ("cp1001@cp1server.example.com", "info@kunde-eins.example", "cp1002@cp1server.example.com")
ALIASES = "postmaster: root\nroot: /var/mail/root\nweg: jemand@elsewhere.example\ninfo: cp1001\n"
SASL_CONF = "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: /etc/sasldb2\n"


def parts(printed):
    """The parts of what `leumund mta` prints, by their headings: {"/etc/postfix/main.cf: add": text}."""
    found, heading = {}, None
    for line in printed.splitlines():
        match = re.fullmatch(r"(?:#|dnl) ==== (.*) ====", line)
        if match:
            heading = match.group(1)
            found[heading] = ""
        elif heading:
            found[heading] += line + "\n"
    return found


class Mta:
    name = ""           # of the build
    kind = ""           # what `leumund mta` calls it
    trees = ()
    group = ""          # whose group the sockets need
    run = "/run/leumund"
    sendmail = "/usr/sbin/sendmail"

    def __init__(self, box):
        self.box = box

    def sasl_users(self, database):
        for login in LOGINS:
            user, realm = login.split("@")
            self.box.run(["saslpasswd2", "-p", "-c", "-f", database, "-u", realm, user], input=PASSWORD)


class Postfix(Mta):
    name = kind = "postfix"
    trees = ("postfix",)
    group = "postfix"
    # Debian's master.cf runs smtpd and cleanup in a chroot: sockets must lie in it.
    run = "/var/spool/postfix/leumund"

    main_cf = """compatibility_level = 3.6
myhostname = cp1server.example.com
mydestination = $myhostname, localhost, kunde-eins.example, kunde-zwei.example
mynetworks = 127.0.0.0/8 [::1]/128 203.0.113.10
inet_interfaces = all
inet_protocols = all
smtp_address_preference = ipv4
alias_maps = hash:/etc/aliases
alias_database = hash:/etc/aliases
biff = no
append_dot_mydomain = no
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = /etc/postfix/sasl
smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination
smtp_tls_security_level = none
queue_run_delay = 10s
minimal_backoff_time = 10s
"""
    submission = """submission inet n       -       y       -       -       smtpd
  -o syslog_name=postfix/submission
  -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject
  -o milter_macro_daemon_name=ORIGINATING
"""

    def main_settings(self):
        return self.main_cf

    def master_settings(self):
        return self.box.read("/usr/share/postfix/master.cf.dist") + self.submission

    def configure(self, printed):
        box, added = self.box, parts(printed)
        main = added.pop("/etc/postfix/main.cf: add")
        master = re.sub(r"(?m)^pickup .*\n(?:[ \t].*\n)*", "", self.master_settings())
        box.write("/etc/postfix/main.cf", self.main_settings() + main)
        box.write("/etc/postfix/master.cf", master + added.pop("/etc/postfix/master.cf: replaces the line pickup"))
        for heading, text in added.items():
            path, what = heading.split(": ")
            assert what == "new file", heading
            box.write(path, text)
        self.prepare()

    def prepare(self):
        box = self.box
        box.write("/etc/aliases", ALIASES)
        box.write("/etc/postfix/sasl/smtpd.conf", SASL_CONF)
        self.sasl_users("/etc/sasldb2")
        # What Debian's maintainer scripts would do: rights of set-group-id programs, a chroot that resolves names.
        box.run(["sh", "-ec", """cp /usr/share/postfix/dynamicmaps.cf /etc/postfix/
            cd /usr/sbin; chgrp postdrop postdrop postqueue; chmod 2555 postdrop postqueue
            jail=/var/spool/postfix; mkdir -p $jail/etc /var/lib/postfix; chown postfix /var/lib/postfix /etc/sasldb2
            cp -p /etc/sasldb2 /etc/resolv.conf /etc/hosts /etc/nsswitch.conf /etc/services $jail/etc/
            newaliases"""])

    def start(self):
        self.box.run(["postfix", "start"])

    def stuck(self):
        """Files that sendmail(1) left in maildrop."""
        return sorted(path.name for path in self.box.path("/var/spool/postfix/maildrop").iterdir())

    def held(self):
        """Queue ids of mail that waits for an admin."""
        listing = self.box.run(["postqueue", "-p"]).stdout
        return re.findall(r"(?m)^([0-9A-F]{6,})!", listing)

    def release(self, queue_id):
        self.box.run(["postsuper", "-H", queue_id])

    def queue_run(self):
        self.box.run(["postqueue", "-f"])

    def queued(self):
        listing = self.box.run(["postqueue", "-p"]).stdout
        return re.findall(r"(?m)^([0-9A-F]{6,})[!* ]", listing)


class Sendmail(Mta):
    name = kind = "sendmail"
    trees = ("sendmail",)
    group = "smmsp"
    daemon = "/usr/libexec/sendmail/sendmail"

    mc = """divert(0)dnl
define(`_USE_ETC_MAIL_')dnl
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
VERSIONID(`leumund test')
OSTYPE(`debian')dnl
DOMAIN(`debian-mta')dnl
undefine(`confHOST_STATUS_DIRECTORY')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
define(`confTO_QUEUEWARN', `')dnl
define(`confTO_IDENT', `0')dnl
define(`confCONNECTION_RATE_THROTTLE', `1000')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confDELAY_LA', `1000')dnl
FEATURE(`use_cw_file')dnl
FEATURE(`local_lmtp', `/usr/libexec/sendmail/mail.local')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`access_db', `hash -T<TMPF> /etc/mail/access')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port=smtp')dnl
DAEMON_OPTIONS(`Family=inet6, Name=MTA-v6, Addr=::1, Port=smtp')dnl
DAEMON_OPTIONS(`Family=inet, Name=MSA, Port=submission, M=a')dnl
define(`confAUTH_MECHANISMS', `PLAIN LOGIN')dnl
define(`confAUTH_OPTIONS', `A')dnl
TRUST_AUTH_MECH(`PLAIN LOGIN')dnl
%s
MAILER(`local')dnl
MAILER(`smtp')dnl
"""
    submit_mc = """divert(0)dnl
define(`_USE_ETC_MAIL_')dnl
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
VERSIONID(`leumund test')
OSTYPE(`debian')dnl
DOMAIN(`debian-msp')dnl
define(`confQUEUE_LA', `1000')dnl
FEATURE(`msp', `[127.0.0.1]', `25')dnl
"""

    def configure(self, printed):
        box, added = self.box, parts(printed)
        box.write("/etc/mail/sendmail.mc", self.mc % added.pop("/etc/mail/sendmail.mc: add above the MAILER lines"))
        assert not added, added
        box.write("/etc/mail/submit.mc", self.submit_mc)
        box.write("/etc/mail/local-host-names", "cp1server.example.com\nkunde-eins.example\nkunde-zwei.example\n")
        own = ("127.0.0.1", "IPv6:0:0:0:0:0:0:0:1", "203.0.113.10")
        box.write("/etc/mail/access", "".join("Connect:%s RELAY\n" % address for address in own))
        box.write("/etc/mail/trusted-users", "")
        box.write("/etc/mail/aliases", ALIASES)
        for path in ("/etc/mail/sasl/Sendmail.conf.2", "/etc/mail/sasl/Sendmail.conf"):
            box.write(path, SASL_CONF)
        self.sasl_users("/etc/sasldb2")
        box.run(["sh", "-ec", """cd /etc/mail; m4 sendmail.mc >sendmail.cf; m4 submit.mc >submit.cf
            lib=/usr/libexec/sendmail; $lib/makemap hash access <access; chmod 600 /etc/sasldb2
            mkdir -p /var/spool/mqueue /var/spool/mqueue-client /run/sendmail/mta /run/sendmail/msp /var/lib/sendmail
            chmod 700 /var/spool/mqueue; chown smmsp:smmsp /var/spool/mqueue-client /run/sendmail/msp
            chmod 770 /var/spool/mqueue-client; chgrp smmsp $lib/sendmail; chmod 2755 $lib/sendmail
            ln -sf $lib/sendmail /usr/sbin/sendmail; $lib/sendmail -bi -oA/etc/mail/aliases"""])

    def start(self):
        self.box.run([self.daemon, "-Am", "-L", "sm-mta", "-bd", "-q5s"])

    def stuck(self):
        return []

    def held(self):
        return sorted(path.name[2:] for path in self.box.path("/var/spool/mqueue").glob("hf*"))

    def release(self, queue_id):
        self.box.run([self.daemon, "-Am", "-qQ", "-Q", "-qI" + queue_id])

    def queue_run(self):
        self.box.run([self.daemon, "-Ac", "-q"], check=False)
        self.box.run([self.daemon, "-Am", "-q"], check=False)

    def queued(self):
        return [path.name[2:] for queue in ("mqueue", "mqueue-client")
                for path in self.box.path("/var/spool/" + queue).glob("[qh]f*")]

    def client_queue(self):
        return [path.name[2:] for path in self.box.path("/var/spool/mqueue-client").glob("qf*")]


class Exim(Mta):
    name = kind = "exim"
    trees = ("exim",)
    group = "Debian-exim"

    conf = """primary_hostname = cp1server.example.com
daemon_smtp_ports = 25 : 587
tls_advertise_hosts =
domainlist local_domains = @ : kunde-eins.example : kunde-zwei.example
hostlist relay_from_hosts = <; 127.0.0.1 ; ::1 ; 203.0.113.10
never_users = root
untrusted_set_sender = *
local_from_check = false
log_selector = +received_recipients +smtp_confirmation +pid
log_file_path = syslog
syslog_duplication = false
keep_environment =
acl_smtp_rcpt = acl_check_rcpt
acl_smtp_data = acl_check_data
acl_not_smtp = acl_check_local
%(main)s
begin acl
%(acl)s
acl_check_rcpt:
%(rcpt)s
  accept hosts = : +relay_from_hosts
  accept authenticated = *
  accept domains = +local_domains
  deny   message = relay not permitted
acl_check_data:
%(data)s
  accept
acl_check_local:
%(local)s
  accept

begin routers
%(router)s
dnslookup:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote_smtp
  no_more
aliases:
  driver = redirect
  allow_fail
  data = ${lookup{$local_part}lsearch{/etc/aliases}}
  file_transport = address_file
localuser:
  driver = accept
  check_local_user
  transport = local_delivery

begin transports
remote_smtp:
  driver = smtp
local_delivery:
  driver = appendfile
  file = /var/mail/$local_part_data
  user = $local_part_data
address_file:
  driver = appendfile
  user = Debian-exim

begin retry
* * F,2h,10s

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if eq{$auth3}{test}}
  server_set_id = $auth2
"""

    def configure(self, printed):
        box, added = self.box, parts(printed)
        headings = {"main": "main: add", "acl": "begin acl: add", "rcpt": "acl_smtp_rcpt: first line",
                    "data": "acl_smtp_data: first line", "local": "acl_not_smtp: first line",
                    "router": "begin routers: first router"}
        pieces = {key: added.pop("exim.conf, " + heading) for key, heading in headings.items()}
        assert not added, added
        box.write("/etc/exim4/exim4.conf", self.conf % pieces, 0o640)
        box.write("/etc/aliases", ALIASES)
        box.run(["sh", "-ec", """mkdir -p /var/spool/exim4 /var/lib/exim4 /run/exim4; chmod 750 /var/spool/exim4
            chown Debian-exim:Debian-exim /var/spool/exim4 /run/exim4; chgrp Debian-exim /etc/exim4/exim4.conf
            chmod 4755 /usr/sbin/exim4; [ -e /usr/sbin/sendmail ] || ln -s exim4 /usr/sbin/sendmail; exim4 -bV"""])

    def start(self):
        self.box.run(["exim4", "-bd", "-q5s"])

    def stuck(self):
        return []

    def held(self):
        listing = self.box.run(["exim4", "-bp"]).stdout
        return [line.split()[2] for line in listing.splitlines() if "*** frozen ***" in line]

    def release(self, queue_id):
        self.box.run(["exim4", "-M", queue_id])

    def queue_run(self):
        self.box.run(["exim4", "-qff"], check=False)

    def queued(self):
        listing = self.box.run(["exim4", "-bp"]).stdout
        return re.findall(r"\b(\w{6}-\w{6,11}-\w{2,4})\b", listing)


class EximLight(Exim):
    name = "exim-light"
    trees = ("exim-light",)


ALL = (Postfix, Sendmail, Exim, EximLight)
