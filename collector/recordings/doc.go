// Package recordings reads which recordings Whereby stores, and what they come to by room
// prefix. The listing is read to its end, rarely: stored recordings change slowly, and a
// page of 100 is a request.
package recordings
