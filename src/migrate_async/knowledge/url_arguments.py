"""Arguments of database URLs: which an async driver takes as the sync one did.

The runtime translates the others where the engine is made (`runtime.driver_arguments`); a test
holds these tables against its rules. Drivers that are not named take all that the sync one takes.
"""

from __future__ import annotations

KEPT: dict[str, frozenset[str]] = {
    "asyncpg": frozenset({"host", "port", "passfile", "service", "target_session_attrs"}),
    "aiomysql": frozenset(
        {
            *("auth_plugin", "charset", "client_flag", "connect_timeout", "init_command"),
            *("local_infile", "program_name", "read_default_file", "read_default_group"),
            *("sql_mode", "unix_socket", "use_unicode"),
        }
    ),
}
"""What may stay in the URL."""

FOREIGN: dict[str, frozenset[str]] = {
    "asyncpg": frozenset(
        {
            *("application_name", "channel_binding", "client_encoding", "connect_timeout"),
            *("connection_limit", "dbname", "fallback_application_name", "gssencmode"),
            *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval"),
            *("load_balance_hosts", "options", "pgbouncer", "pool_timeout", "require_auth"),
            *("requiressl", "schema", "socket_timeout", "ssl_max_protocol_version"),
            *("ssl_min_protocol_version", "sslaccept", "sslcert", "sslcompression", "sslcrl"),
            *("sslkey", "sslmode", "sslpassword", "sslrootcert", "sslsni", "tcp_user_timeout"),
        }
    ),
    "aiomysql": frozenset(
        {
            *("binary_prefix", "collation", "compress", "max_allowed_packet", "read_timeout"),
            *("ssl-mode", "ssl_ca", "use_pure"),
            *("ssl_capath", "ssl_cert", "ssl_check_hostname", "ssl_cipher", "ssl_disabled"),
            *("ssl_key", "ssl_key_password", "ssl_mode", "ssl_verify_cert"),
            *("ssl_verify_identity", "sslaccept", "sslcert", "sslmode", "write_timeout"),
        }
    ),
}
"""What the driver refuses, also in `connect_args`, and the runtime translates."""

TRANSLATED: dict[str, frozenset[str]] = {
    "asyncpg": frozenset(
        {
            *("command_timeout", "database", "direct_tls", "max_cached_statement_lifetime"),
            *("ssl", "statement_cache_size", "timeout"),
        }
    ),
    "aiomysql": frozenset(
        {
            *("autocommit", "compression", "connection_limit"),
            *("database", "db", "dbname", "host", "pgbouncer", "pool_timeout", "port"),
            *("socket_timeout", "ssl"),
        }
    ),
}
"""What else the runtime understands in a URL."""

CREDENTIALS = frozenset({"passwd", "password", "user"})
"""What the runtime takes out of the query of any URL."""
