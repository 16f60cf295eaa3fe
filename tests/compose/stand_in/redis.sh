#!/bin/sh
# As the official entrypoint: bare options go to redis-server, which never runs as root, and listens beyond loopback.
set -eu
case "${1:-}" in -*) set -- redis-server "$@" ;; esac
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=redis --regid=redis --init-groups sh "$0" "$@"
fi
exec "$@"
