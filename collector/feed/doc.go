// Package feed keeps the live state: it applies webhook events to the tracker, and asks
// Insights about what events leave open.
package feed
