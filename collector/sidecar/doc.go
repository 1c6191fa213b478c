// Package sidecar keeps the bundled rules in the directory of a Prometheus that runs
// next to the exporter, and sees to it that they are loaded.
//
// Each file that is kept begins with a mark, and no file without one is ever touched.
// Files are replaced one by one and whole, and only where they differ. What Prometheus
// refuses is taken back at once: with a rule file that it can't load, it would not
// start again.
package sidecar
