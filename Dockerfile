# Builds the program as one static file in one stage and ships it alone in another: no shell, no library, no root.
FROM rust:1-bookworm AS build
WORKDIR /build
COPY . .
RUN mkdir -p /image/data /image/etc/ssl/certs \
    && install -m 755 "$(scripts/build-static)" /image/sdata-sync \
    # Certificates, for engines and exporters that call https URLs.
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && chown 10001:10001 /image/data

FROM scratch
COPY --from=build /image/ /
USER 10001:10001
# Relative paths in environment variables, and the SQLite file if none is named, lie here; so does what SQLite sorts on disk.
WORKDIR /data
VOLUME /data
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["/sdata-sync", "health"]
ENTRYPOINT ["/sdata-sync"]
CMD ["serve"]
