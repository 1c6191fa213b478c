// Package statuspage serves what the exporter knows as pages for people: who is over a
// quota, how fresh the figures are, and what failed last. Pages are rendered on the server,
// work without JavaScript, and load nothing from other sites.
//
// A GET request changes nothing and costs nothing. Reading a room's sessions costs points of
// the organization's rate limit, so it is a POST request: pages reload by themselves,
// browsers prefetch links, and crawlers follow them.
package statuspage
