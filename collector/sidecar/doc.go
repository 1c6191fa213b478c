// Package sidecar keeps the bundled rules and dashboards up to date in the directories of a
// Prometheus and a Grafana that run next to the exporter, and makes sure that Prometheus
// loads the rules.
//
// Each file that it writes begins with a mark, and it never touches a file without one. It
// replaces files one at a time and as a whole, and only if they differ. If Prometheus
// rejects the rules, they are taken back at once: with a rule file that it can't load,
// Prometheus would not start again.
package sidecar
