// Package places runs the exporter as it is installed elsewhere: in a file system that
// holds nothing else, and behind a proxy. It has an API server of Kubernetes take the
// chart.
package places
