// Package feed keeps the live state: it applies webhook events to the tracker, and has
// Insights settle what events leave open.
package feed
