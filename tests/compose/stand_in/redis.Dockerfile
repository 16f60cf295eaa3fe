# Stand-in for redis:7: Debian's server; user `redis` owns /data as in the official image.
FROM coolhead-stand-in/base
RUN install -d -o redis -g redis /data
WORKDIR /data
COPY redis.sh /usr/local/bin/entrypoint
ENTRYPOINT ["sh", "/usr/local/bin/entrypoint"]
CMD ["redis-server"]
