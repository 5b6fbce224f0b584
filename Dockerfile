# Builds the program in one stage and ships it, with nothing of the toolchain, in another.
FROM rust:1-bookworm AS build
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin sdata-sync

FROM debian:bookworm-slim
# Certificates, for engines that call https URLs.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home sdata-sync \
    && install -d -o sdata-sync -g sdata-sync /data
COPY --from=build /build/target/release/sdata-sync /usr/local/bin/sdata-sync
USER sdata-sync
# Relative paths of the settings, such as that of a SQLite file, lie here.
WORKDIR /data
VOLUME /data
ENTRYPOINT ["sdata-sync"]
CMD ["serve"]
