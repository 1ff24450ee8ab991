# syntax=docker/dockerfile:1
# Keepwell's worker and command line. Build from a clone: docker build --tag keepwell:0.1.0 .

FROM python:3.13.14-slim-trixie AS build
# The version that the Makefile uses.
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8
ENV UV_PROJECT_ENVIRONMENT=/opt/keepwell \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /src
# What others wrote changes rarely: a layer of its own.
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --frozen --no-dev --no-install-project
COPY worker.py ./
COPY keepwell ./keepwell
COPY workflows ./workflows
COPY activities ./activities
COPY scoring ./scoring
COPY templates ./templates
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13.14-slim-trixie
RUN groupadd --gid 10001 keepwell \
    && useradd --uid 10001 --gid keepwell --no-create-home --home-dir /var/lib/keepwell keepwell \
    && install --directory --owner=keepwell --group=keepwell --mode=0700 /var/lib/keepwell
COPY --from=build /opt/keepwell /opt/keepwell
ENV PATH=/opt/keepwell/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    KEEPWELL_HOME=/var/lib/keepwell
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/keepwell
VOLUME /var/lib/keepwell
STOPSIGNAL SIGTERM
# Whether this container's worker asks Temporal for work. Run it with an init (docker run --init).
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s --retries=3 CMD ["keepwell", "doctor", "--quick"]
CMD ["keepwell", "worker"]
