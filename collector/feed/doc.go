// Package feed maintains the live state: it applies webhook events to the tracker, and asks
// Insights to settle what the events leave open.
package feed
