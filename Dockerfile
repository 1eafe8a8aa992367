# One image for the web server and the worker; compose.yaml says which it is.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /app

COPY requirements/prod.txt requirements/
RUN pip install --disable-pip-version-check -r requirements/prod.txt

COPY manage.py ./
COPY taskstatus taskstatus
COPY frontend/src frontend/src
COPY config config

# A volume mounted on an empty folder takes over its owner.
RUN useradd --system --uid 10001 app && install -d -o app -g app var
USER app
ENV VAR_DIR=/app/var
EXPOSE 8000
