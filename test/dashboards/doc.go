// Package dashboards tests the Grafana dashboards: that they hold to their conventions,
// and that every query of theirs gives figures from a real Prometheus. Its [History] is
// months of a simulated account as Prometheus would have stored them.
package dashboards
