# Stand-in for postgres:16: Debian's server behind an entrypoint that keeps the official one's promises.
FROM coolhead-stand-in/base
ENV PGDATA=/var/lib/postgresql/data LANG=C.UTF-8
RUN ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ \
    && install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
COPY postgres.sh /usr/local/bin/entrypoint
ENTRYPOINT ["sh", "/usr/local/bin/entrypoint"]
CMD ["postgres"]
