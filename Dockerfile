# A Hub. Its settings are environment variables: see docs/settings.md and docs/running-a-hub.md.
FROM python:3.12-slim AS build
COPY . /source
RUN python -m venv /opt/dotscience \
 && /opt/dotscience/bin/pip install --no-cache-dir "/source[hub,postgres,s3]"

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin dotscience \
 && install -d -o dotscience -g dotscience -m 700 /data
COPY --from=build /opt/dotscience /opt/dotscience
ENV PATH=/opt/dotscience/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DOTSCIENCE_HUB_HOST=0.0.0.0 \
    DOTSCIENCE_HUB_PORT=8000 \
    DOTSCIENCE_HUB_DATA=/data
USER dotscience
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s \
  CMD ["python", "-c", "from os import environ as e; from urllib.request import urlopen as u; u(f\"http://127.0.0.1:{e['DOTSCIENCE_HUB_PORT']}/readyz\", timeout=4)"]
ENTRYPOINT ["ds"]
CMD ["hub"]
