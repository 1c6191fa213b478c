// Package alerts tests the bundled rules with promtool, and what Alertmanager makes
// of their alerts with a real one.
package alerts
