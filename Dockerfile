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
 && mkdir /data

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /whereby_exporter /whereby_exporter
COPY --from=build --chown=65534:65534 /data /data
USER 65534:65534
VOLUME /data
EXPOSE 10036
ENV WHEREBY_EXPORTER_STORAGE_PATH=/data
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/whereby_exporter", "healthcheck"]
ENTRYPOINT ["/whereby_exporter"]
