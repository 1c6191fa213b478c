// Package statuspage serves what the exporter knows as pages for a person: who is over
// a quota, how fresh the figures are, and what went wrong last. Pages are rendered here
// and work without JavaScript; they load nothing from elsewhere.
//
// A GET changes nothing and costs nothing. What costs points of the organization's
// rate limit, a room's sessions, is a POST: pages reload by themselves, browsers fetch
// links ahead, and crawlers follow them.
package statuspage
