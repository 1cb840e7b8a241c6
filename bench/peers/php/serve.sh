#!/bin/sh
# PHP behind nginx, as it is run in earnest: php-fpm with four workers. Where one of the two is missing, PHP's own
# server with four workers, which closes every connection after its answer. Ends both on SIGTERM.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
PATH=$PATH:/usr/sbin:/usr/local/sbin
php "$here/schema.php"

fpm=$(command -v php-fpm || for found in /usr/sbin/php-fpm[0-9]*; do [ -x "$found" ] && echo "$found"; done | tail -n 1)
if [ -z "$fpm" ] || ! command -v nginx >/dev/null; then
    # -q: not a line for each connection; the line an event is index.php's.
    PHP_CLI_SERVER_WORKERS=4 exec php -q -d opcache.enable_cli=1 -d log_errors=1 -d display_errors=0 -d error_log= \
        -S "127.0.0.1:$PEER_PORT" "$here/index.php"
fi

folder=$(dirname "$PEER_DATABASE")/php
mkdir -p "$folder"
as_root=
nginx_user=
if [ "$(id -u)" = 0 ]; then
    as_root=--allow-to-run-as-root
    nginx_user='user root;'
fi
cat >"$folder/fpm.conf" <<CONF
[global]
error_log = $folder/fpm.log
daemonize = no
[www]
${as_root:+user = root}
listen = $folder/fpm.sock
listen.backlog = 4096
pm = static
pm.max_children = 4
clear_env = no
php_admin_value[error_log] = $folder/php.log
php_admin_flag[log_errors] = on
; A fault is to be a 500, not a 200 with its text.
php_admin_flag[display_errors] = off
CONF
cat >"$folder/nginx.conf" <<CONF
daemon off;
$nginx_user
worker_processes 1;
pid $folder/nginx.pid;
error_log $folder/nginx.log warn;
events { worker_connections 8192; }
http {
    access_log off;  # the line an event is index.php's
    keepalive_requests 1000000000;
    client_body_temp_path $folder/body;
    fastcgi_temp_path $folder/fastcgi;
    proxy_temp_path $folder/proxy;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    server {
        listen 127.0.0.1:$PEER_PORT backlog=4096;
        location / {
            # Not kept: a worker waits on a kept connection for as long as nginx keeps it, and serves no other.
            fastcgi_pass unix:$folder/fpm.sock;
            fastcgi_param SCRIPT_FILENAME $here/index.php;
            fastcgi_param REQUEST_URI \$request_uri;
            fastcgi_param REQUEST_METHOD \$request_method;
            fastcgi_param CONTENT_TYPE \$content_type;
            fastcgi_param CONTENT_LENGTH \$content_length;
            fastcgi_param REMOTE_ADDR \$remote_addr;
        }
    }
}
CONF
# shellcheck disable=SC2086  # no word when empty
"$fpm" -F $as_root -y "$folder/fpm.conf" &
php_pid=$!
nginx -c "$folder/nginx.conf" -e "$folder/nginx.log" &
nginx_pid=$!
# Either may have ended by itself: then kill fails, and the other must still be waited for.
trap 'kill $nginx_pid $php_pid 2>/dev/null || true; wait; exit 0' TERM INT
wait
