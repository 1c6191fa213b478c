// Package dashboards holds the Grafana dashboards.
//
// The JSON files are the one source, kept by hand: to change a dashboard, import
// its file into Grafana, edit it there, and export it to the file again. A generator
// would be a second form of each panel that Grafana can't edit. What a generator would
// hold together, the conventions of titles, units, variables, links and layout, tests
// hold instead; see test/dashboards.
package dashboards
