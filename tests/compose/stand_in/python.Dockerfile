# Stand-in for python:3.11-slim-bookworm: Debian's Python, the machine's certificates and its package index.
FROM coolhead-stand-in/base
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY pip.conf /etc/pip.conf
COPY uv.toml /etc/uv/uv.toml
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_DEFAULT_TIMEOUT=180 UV_HTTP_TIMEOUT=180
