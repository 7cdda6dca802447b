FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /srv/cadence

COPY requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/runtime.txt \
    && useradd --system --home-dir /srv/cadence --shell /usr/sbin/nologin cadence \
    && install -d -o cadence /srv/media /srv/beat

COPY . .
# Collecting needs settings that import, not real ones; nothing of this line stays in the image.
RUN CADENCE_ENV=local SECRET_KEY=development-build FIELD_KEYS=development-build \
    DATABASE_URL=postgres://build@localhost/build REDIS_URL=redis://localhost \
    python manage.py collectstatic --noinput

USER cadence
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "clinic.wsgi", "--no-control-socket", "--bind", "0.0.0.0:8000", \
     "--worker-class", "clinic.web_worker.Worker", "--workers", "3", "--threads", "8", "--keep-alive", "75"]
