FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
ARG REVISION=unknown
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w \
      -X github.com/prometheus/common/version.Version=${VERSION} \
      -X github.com/prometheus/common/version.Revision=${REVISION}" \
      -o /whereby_exporter . \
 && mkdir -p -m 0770 /volumes/data

FROM scratch
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="whereby_exporter" \
      org.opencontainers.image.description="Prometheus exporter for Whereby" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /whereby_exporter /whereby_exporter
# Group 0 may write too: OpenShift runs it as a user of its own, of that group. Not all
# builders keep the rights of a directory that is copied by its own name.
COPY --from=build --chown=65534:0 /volumes/ /
USER 65534:65534
VOLUME /data
# Metrics, and webhooks.
EXPOSE 10036 10037
ENV WHEREBY_EXPORTER_STORAGE_PATH=/data
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/whereby_exporter", "healthcheck"]
ENTRYPOINT ["/whereby_exporter"]
