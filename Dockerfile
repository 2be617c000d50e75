# One image for everything: docker build -t whatsapp-hub . && docker run whatsapp-hub <program>
# Programs: gateway, dispatch, sender, webhook-ingest, status-query; migrate; audit; sim.

FROM node:24.21.0-bookworm-slim AS base
WORKDIR /app

# Only what decides which packages are installed, so that a change of the code installs nothing again.
FROM base AS manifests
COPY . .
RUN find . -type f ! -name package.json ! -name package-lock.json ! -name .npmrc -delete && find . -type d -empty -delete

FROM base AS build
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts
COPY . .
RUN node scripts/build.mjs

# For skaffold dev only: the sources as they are, each program started anew when one of its files changes. The files belong to
# the user, so that changed ones can be put there.
FROM base AS development
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts
COPY --chown=10001:10001 . .
ENV NODE_OPTIONS=--max-old-space-size-percentage=60
USER 10001:10001
ENTRYPOINT ["node", "--watch", "--watch-preserve-output", "/app/image/hub.mjs"]

FROM base AS production
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts --omit=dev --omit=optional

FROM base
ARG REVISION=
LABEL org.opencontainers.image.title="WhatsApp Hub" \
      org.opencontainers.image.description="Bulk WhatsApp messaging on Twilio: one call, every recipient tracked" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${REVISION}"
ENV NODE_ENV=production \
    NODE_COMPILE_CACHE=/app/compile-cache \
    # Node takes the container's memory limit for the measure; the rest is for buffers, threads and the code itself.
    NODE_OPTIONS=--max-old-space-size-percentage=60
COPY --from=production /app/node_modules node_modules
COPY --from=build /app/dist ./
COPY LICENSE ./
# The cache is good for one user only, so it is made by the one that the programs run as.
RUN mkdir compile-cache && chown 10001:10001 compile-cache
USER 10001:10001
RUN node image/compile.mjs
# gateway, webhook-ingest; dispatch, status-query; admin ports; the simulator.
EXPOSE 8080 8081 50051 50052 9101 9102 9103 9104 9105 8090
# node is the first process: SIGTERM arrives where it is waited for.
ENTRYPOINT ["node", "/app/image/hub.mjs"]
