// Package places runs the exporter as it is installed elsewhere: in a file system that
// holds nothing else, and behind a proxy.
package places
