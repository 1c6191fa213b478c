// Package dashboards tests the Grafana dashboards: that they follow their conventions, and
// that each of their queries returns figures from a real Prometheus. Its [History] is months
// of a simulated account, as Prometheus would have stored them.
package dashboards
