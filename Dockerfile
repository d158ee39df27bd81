FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches keep the dependencies, as downloaded and as built, from one build to the next. Cargo tells what is stale
# by modification times, which an older checkout sets back, so the crate's own two roots always count as changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    touch src/lib.rs src/main.rs \
    && cargo build --locked --release --features all-sinks \
    && cp target/release/huntr-receiver /usr/local/bin/

FROM debian:bookworm-slim
# Security updates come with a newer base image and its package list, so no version is pinned here.
# libssl and zlib are Kafka's client's.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates libssl3 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 receiver \
    && useradd --uid 10001 --gid receiver --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin receiver \
    && install -d --owner=receiver --group=receiver --mode=0750 /data
COPY --from=build /usr/local/bin/huntr-receiver /usr/local/bin/

# The defaults `data/receiver.db` and `data/spool`, taken from here, are on the volume. They are not set through the
# environment, which would win over a configuration file.
WORKDIR /
VOLUME /data

# By number, so that an orchestrator can tell that it is not root.
USER 10001:10001

# Webhooks and health. Metrics listen on the container's own loopback.
EXPOSE 8080
ENTRYPOINT ["huntr-receiver"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="huntr-receiver" \
      org.opencontainers.image.description="Receives Huntr and Hunty webhooks and never loses one" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
