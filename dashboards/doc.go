// Package dashboards holds the Grafana dashboards.
//
// The JSON files are the one source, kept by hand: whoever changes a dashboard imports
// its file into Grafana, edits it there, and exports it into the file again. A generator
// would be a second form of each panel that Grafana can't edit. What a generator would
// hold together, the conventions of titles, units, variables, links and layout, tests
// hold instead; see test/dashboards.
package dashboards
