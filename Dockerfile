# Two images of one program:
#   docker build -t throng .                     with the embedded engine, for `throng serve` and `throng demo` (amd64 only)
#   docker build -t throng --target stages .     without it, for the stages in front of a Kafka and a ClickHouse cluster
# Both need glibc (the engine is loaded at run time, so the program is linked dynamically) and run without root.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=${VERSION}" -o /throng ./cmd/throng

# The engine is the npm package of the committed lock file, checked against the committed SHA-256.
FROM node:22-bookworm-slim AS engine
WORKDIR /engine
COPY deploy/engine/linux-x64/ ./
RUN npm ci --ignore-scripts --no-audit --no-fund \
 && cp node_modules/@chdb/lib-linux-x64-gnu/libchdb.so . \
 && sha256sum --check SHA256SUMS \
 && rm -rf node_modules

FROM debian:bookworm-slim AS stages
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/throng --shell /usr/sbin/nologin throng \
 && install -d -o throng -g throng -m 0700 /var/lib/throng
COPY --from=build /throng /usr/local/bin/throng
COPY LICENSE THIRD_PARTY_NOTICES.md /usr/share/doc/throng/
USER 10001
VOLUME /var/lib/throng
ENTRYPOINT ["throng"]
CMD ["--help"]

FROM stages AS embedded
COPY --from=engine /engine/libchdb.so /usr/local/lib/throng/libchdb.so
ENV THRONG_CHDB_LIB=/usr/local/lib/throng/libchdb.so
