"""Calls that hold the thread until something outside the process answers, or burn CPU for long.

Names are canonical dotted paths: of functions, or of classes whose methods block. The event loop
serves nobody while such a call runs.
"""

from __future__ import annotations

from typing import NamedTuple


class Blocking(NamedTuple):
    """`instead` completes "use ..."; `brief`: mostly over in less than a millisecond."""

    instead: str
    brief: bool = False


_THREAD = "`await asyncio.to_thread(...)`"
_HTTP = Blocking("`httpx.AsyncClient`, or " + _THREAD)
_PROCESS = Blocking("`asyncio.create_subprocess_exec`, or " + _THREAD)
_HASHING = Blocking(_THREAD + ": hashing a password is meant to take long")
_FILE = Blocking("`anyio.Path`, `aiofiles`, or " + _THREAD, brief=True)
_TREE = Blocking(_THREAD)
_AWS = Blocking("`aioboto3`, or " + _THREAD)
_COMPUTING = Blocking(_THREAD + ": it computes for long")
_REDIS = Blocking("`redis.asyncio`")
_MAIL = Blocking("`aiosmtplib`, or " + _THREAD)
_DRIVER = Blocking("an async driver, or " + _THREAD)
SLEEP = Blocking("`await asyncio.sleep(...)`")

_METHODS = ("get", "options", "head", "post", "put", "patch", "delete", "request")

FUNCTIONS: dict[str, Blocking] = {
    "time.sleep": SLEEP,
    "builtins.input": Blocking(_THREAD),
    "getpass.getpass": Blocking(_THREAD),
    **dict.fromkeys((f"requests.{name}" for name in _METHODS), _HTTP),
    **dict.fromkeys((f"requests.api.{name}" for name in _METHODS), _HTTP),
    **dict.fromkeys((f"httpx.{name}" for name in (*_METHODS, "stream")), _HTTP),
    "urllib.request.urlopen": _HTTP,
    "urllib.request.urlretrieve": _HTTP,
    "urllib3.request": _HTTP,
    "socket.create_connection": Blocking("`asyncio.open_connection`"),
    "socket.getaddrinfo": Blocking("`loop.getaddrinfo`"),
    "socket.gethostbyname": Blocking("`loop.getaddrinfo`"),
    **dict.fromkeys(
        (
            "subprocess.run",
            "subprocess.call",
            "subprocess.check_call",
            "subprocess.check_output",
            "subprocess.getoutput",
            "subprocess.getstatusoutput",
            "os.system",
            "os.wait",
            "os.waitpid",
        ),
        _PROCESS,
    ),
    **dict.fromkeys(
        (
            "bcrypt.hashpw",
            "bcrypt.checkpw",
            "bcrypt.kdf",
            "hashlib.pbkdf2_hmac",
            "hashlib.scrypt",
            "argon2.hash_password",
            "argon2.verify_password",
            "werkzeug.security.generate_password_hash",
            "werkzeug.security.check_password_hash",
        ),
        _HASHING,
    ),
    **dict.fromkeys(("builtins.open", "io.open", "shutil.copyfile", "shutil.copy"), _FILE),
    **dict.fromkeys(("shutil.copy2", "shutil.move", "shutil.copyfileobj"), _FILE),
    "shutil.rmtree": Blocking(_THREAD, brief=True),
    **dict.fromkeys(("shutil.copytree", "shutil.make_archive", "shutil.unpack_archive"), _TREE),
    "psycopg2.connect": _DRIVER,
    "pymysql.connect": _DRIVER,
    "MySQLdb.connect": _DRIVER,
    "pandas.read_sql": _DRIVER,
    "pandas.read_sql_query": _DRIVER,
}
"""Functions, by the names they are imported from."""

FUNCTIONS |= {
    **dict.fromkeys(
        (
            *(f"pandas.read_{kind}" for kind in ("csv", "excel", "json", "parquet", "sql_table")),
            *("openpyxl.load_workbook", "pdfkit.from_string", "pdfkit.from_file"),
            *("bz2.compress", "bz2.decompress", "lzma.compress", "lzma.decompress"),
            *("nacl.pwhash.str", "nacl.pwhash.verify"),
            "cryptography.hazmat.primitives.asymmetric.rsa.generate_private_key",
        ),
        _COMPUTING,
    ),
    **dict.fromkeys(("ldap.initialize", "ldap3.Connection", "pika.BlockingConnection"), _TREE),
    "concurrent.futures.wait": Blocking("`asyncio.wait`"),
}

_SAFE = frozenset(
    {"close", "set_option", "mount", "aclose", "register_script", "pipeline", "pubsub", "lock"}
)

CLASSES: dict[str, tuple[frozenset[str] | None, Blocking]] = {
    "requests.Session": (frozenset({*_METHODS, "send"}), _HTTP),
    "requests.sessions.Session": (frozenset({*_METHODS, "send"}), _HTTP),
    "httpx.Client": (frozenset({*_METHODS, "send", "stream"}), _HTTP),
    "urllib3.PoolManager": (frozenset({"request", "urlopen"}), _HTTP),
    "http.client.HTTPConnection": (frozenset({"request", "getresponse", "connect"}), _HTTP),
    "http.client.HTTPSConnection": (frozenset({"request", "getresponse", "connect"}), _HTTP),
    "subprocess.Popen": (frozenset({"wait", "communicate"}), _PROCESS),
    "passlib.context.CryptContext": (
        frozenset({"hash", "verify", "encrypt", "verify_and_update"}),
        _HASHING,
    ),
    "argon2.PasswordHasher": (frozenset({"hash", "verify"}), _HASHING),
    "pwdlib.PasswordHash": (frozenset({"hash", "verify", "verify_and_update"}), _HASHING),
    "pathlib.Path": (
        frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "open"}),
        _FILE,
    ),
    "zipfile.ZipFile": (frozenset({"extractall", "testzip"}), _TREE),
    "tarfile.TarFile": (frozenset({"extractall"}), _TREE),
    "redis.Redis": (None, _REDIS),
    "redis.StrictRedis": (None, _REDIS),
    "redis.client.Redis": (None, _REDIS),
    "redis.RedisCluster": (None, _REDIS),
    "smtplib.SMTP": (None, _MAIL),
    "smtplib.SMTP_SSL": (None, _MAIL),
    "pymongo.MongoClient": (None, _DRIVER),
    "emails.Message": (frozenset({"send"}), _MAIL),
    "emails.message.Message": (frozenset({"send"}), _MAIL),
    "ftplib.FTP": (None, _TREE),
    "ftplib.FTP_TLS": (None, _TREE),
    "imaplib.IMAP4": (None, _MAIL),
    "imaplib.IMAP4_SSL": (None, _MAIL),
    "celery.result.AsyncResult": (frozenset({"get", "wait"}), _TREE),
    "threading.Thread": (frozenset({"join"}), _TREE),
    "threading.Event": (frozenset({"wait"}), Blocking("`asyncio.Event`, or " + _THREAD)),
    "threading.Barrier": (frozenset({"wait"}), _TREE),
    "weasyprint.HTML": (frozenset({"write_pdf", "render"}), _COMPUTING),
    "paramiko.SSHClient": (frozenset({"connect", "exec_command", "open_sftp"}), _TREE),
}
"""Classes and those of their methods that block; None: all but the ones in `_SAFE`."""

CONSTRUCTED: dict[str, Blocking] = {"smtplib.SMTP": _MAIL, "smtplib.SMTP_SSL": _MAIL}
"""Classes that connect while they are constructed."""

MADE: dict[str, Blocking] = {
    "boto3.client": _AWS,
    "boto3.resource": _AWS,
    "PIL.Image.open": _COMPUTING,
    "emails.html": _MAIL,
    "ldap.initialize": _TREE,
    "redis.from_url": _REDIS,
    "redis.Redis.from_url": _REDIS,
    "redis.StrictRedis.from_url": _REDIS,
}
"""Functions that make an object whose methods block."""


FUTURE = Blocking("`await asyncio.wrap_future(...)`, or " + _THREAD)
FUTURES = frozenset({"exception", "result"})
"""Methods of what a pool of threads or processes gives for a call, which wait for its end."""
POOLS = frozenset(
    f"concurrent.futures.{module}{kind}PoolExecutor"
    for module, kind in (("", "Thread"), ("", "Process"), ("thread.", "Thread"))
)
LAZY = frozenset({"concurrent.futures.as_completed"})
"""Functions whose iterators wait."""
_GATHER = "`asyncio.gather` of `asyncio.to_thread(...)`"
ITERATION = Blocking(_THREAD)
LOOP = Blocking(f"{_GATHER}, or collect in a thread: `await asyncio.to_thread(list, ...)`")
SHUTDOWN = Blocking(_THREAD)
POOL_BLOCK = Blocking(f"{_GATHER}, or put the block into a function, whose calls go to a thread")

LOCKS = frozenset(
    {
        *(f"threading.{name}" for name in ("Lock", "RLock", "Condition", "Semaphore")),
        *("threading.BoundedSemaphore", "multiprocessing.Lock", "multiprocessing.RLock"),
        *("filelock.FileLock", "fasteners.InterProcessLock"),
    }
)
"""Classes and functions that make a lock which a whole thread waits for."""


def method_of(owner: str, name: str) -> Blocking | None:
    """What to know about the method `name` of the class `owner`; None: it does not block."""
    methods, blocking = CLASSES.get(owner, (frozenset(), None))
    if methods is None:
        return None if name in _SAFE else blocking
    return blocking if name in methods else None


def made_method(factory: str, name: str) -> Blocking | None:
    """The same for a method of what the function `factory` made."""
    return None if name in _SAFE or name == "Table" else MADE.get(factory)
