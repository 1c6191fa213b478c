// Package places runs the exporter in other environments: in a file system that contains
// nothing else, and behind a proxy. It also applies the chart to a Kubernetes API server.
package places
