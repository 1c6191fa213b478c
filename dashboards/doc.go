// Package dashboards embeds the Grafana dashboards.
//
// The JSON files are the only source, and are edited by hand: to change a dashboard, import
// its file into Grafana, edit it there, and export it to the file again. A generator would
// be a second form of each panel, which Grafana can't edit. Tests enforce the conventions
// for titles, units, variables, links and layout instead; see test/dashboards.
package dashboards
