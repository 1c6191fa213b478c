// Package alerts tests the bundled rules with promtool, and the routing of their alerts
// with a real Alertmanager.
package alerts
