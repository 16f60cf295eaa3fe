# Image of all Airflow components. The base is an argument, so that the stack can be tested where no registry is reachable.
ARG PYTHON_IMAGE=python:3.11.15-slim-bookworm

FROM ${PYTHON_IMAGE} AS parts
WORKDIR /parts
ENV UV_LINK_MODE=copy UV_NO_CACHE=1
COPY requirements.in requirements.txt ./
# Only what the product needs, at the locked versions: tools of setup, test and demo stay out.
RUN python3 -m venv /opt/venv \
    && python3 -m venv uv \
    && uv/bin/pip install --quiet --no-cache-dir "$(grep -o '^uv==[0-9.]*' requirements.txt)" \
    && sed '/^# --- make demo/,$d' requirements.in > product.in \
    && uv/bin/uv pip install --quiet --python /opt/venv --compile-bytecode -r product.in -c requirements.txt

FROM ${PYTHON_IMAGE}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/coolhead/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/coolhead/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/log/airflow \
    AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY=/var/log/airflow/dag_processor \
    COOLHEAD_HOME=/var/lib/coolhead \
    GX_ANALYTICS_ENABLED=false \
    MPLCONFIGDIR=/tmp/matplotlib
# The empty airflow.cfg keeps Airflow from writing one (with fresh keys) into the read-only image. Volumes take over the
# owner of the folder they are first mounted on.
RUN groupadd --gid 50000 coolhead \
    && useradd --uid 50000 --gid 50000 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin coolhead \
    && mkdir -p /opt/airflow \
    && touch /opt/airflow/airflow.cfg \
    && install -d -o coolhead -g coolhead -m 750 /var/lib/coolhead /var/lib/signin /var/log/airflow
COPY --from=parts /opt/venv /opt/venv
WORKDIR /opt/coolhead
COPY pyproject.toml README.md LICENSE ./
COPY include include
# Editable, as everywhere else: one import path, and the shipped plan is found beside the package.
RUN pip install --quiet --no-cache-dir --no-deps --editable . && python3 -m compileall -q include
COPY dags dags
COPY plugins plugins
COPY .docker/prepare.py .docker/healthy.py /opt/coolhead/docker/
USER coolhead
