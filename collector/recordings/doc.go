// Package recordings reads which recordings Whereby stores, and totals them by room prefix.
// It reads the whole list, but rarely: stored recordings change slowly, and each 100 of them
// take a request.
package recordings
