package backfill

import (
	"fmt"
	"io"
	"time"
)

// Summary describes what a history is based on.
type Summary struct {
	Start, End time.Time
	Files      int
	// Prefixes are the prefixes in the history, Rooms all known rooms.
	Prefixes, Rooms int64
	// Placed are the minutes and sessions with a known time, Base those without.
	Placed, Base figures
	// BaseRooms are rooms whose totals exceed their listed sessions; 0 if the start was
	// given, because Base then includes earlier usage.
	BaseRooms int64
	// GoneRooms are rooms with usage that only the exporter's store knows; GoneBase is the
	// part of their usage without a time. It is part of Base.
	GoneRooms int64
	GoneBase  figures
	// LoweredRooms are rooms for which the exporter's store holds more than Insights shows
	// now. Lowered is the difference, and part of Base.
	LoweredRooms int64
	Lowered      figures
	// Cut is how much sessions exceeded the totals of their rooms.
	Cut figures
	// Left are rooms left out of the history, because their usage before its end is
	// unknown.
	Left int64
	// Moving are rooms that were in use all the time they were read, Refused those whose
	// sessions Insights did not return in full.
	Moving, Refused int64
	// Unknown are sessions whose participants Insights did not return.
	Unknown int64
	// Other are rooms beyond the limit of prefixes. Stored reports whether the exporter's
	// store has said which prefixes are within it.
	Other  int64
	Stored bool
}

// Print writes what the history holds and what Insights could not provide.
func (s *Summary) Print(w io.Writer, output string) {
	switch s.Files {
	case 1:
		fmt.Fprintf(w, "%s is complete.\n", output)
	case 2:
		fmt.Fprintf(w, "%s and %s.1 are complete.\n", output, output)
	default:
		fmt.Fprintf(w, "%s, and %s.1 to %s.%d, are complete.\n", output, output, output, s.Files-1)
	}
	fmt.Fprintf(w, "%s to %s: %d room prefixes of %d known rooms, %d sessions with %s.\n",
		s.Start.Format(time.RFC3339), s.End.Format(time.RFC3339), s.Prefixes, s.Rooms, s.Placed[sessionCount], s.Placed.minutes())
	if s.Base != (figures{}) {
		fmt.Fprintf(w, "The first samples hold %s already: from before the start, or without a session that Insights lists.\n", s.Base)
	}
	if s.GoneBase != (figures{}) {
		fmt.Fprintf(w, "Of those, %s are of rooms that only the exporter's store knows.\n", s.GoneBase)
	}
	if s.Lowered != (figures{}) {
		fmt.Fprintf(w, "Of those, %s are more than Insights shows now: the exporter's store has them. Rooms: %d.\n", s.Lowered, s.LoweredRooms)
	}
	if s.Cut != (figures{}) {
		fmt.Fprintf(w, "Sessions add up to more than the totals of their rooms; those listed last, usually the oldest, were cut by %s.\n", s.Cut)
	}
	others := "Rooms beyond the limit of room prefixes, which are part of _other: %d."
	if !s.Stored {
		others += " The exporter may choose different ones; --storage.path shows which."
	}
	for _, c := range []struct {
		rooms int64
		text  string
	}{
		{s.BaseRooms, "Rooms with totals above the sum of their listed sessions: %d. The rest is part of the first samples."},
		{s.Refused, "Rooms whose sessions Insights refused to list: %d. Their usage has no time."},
		{s.Moving, "Rooms in use whenever they were read: %d. What they used before their first listed session may be missing."},
		{s.GoneRooms, "Rooms that only the exporter's store knows: %d."},
		{s.Left, "Rooms without a listed session that may have been in use at the end or after it: %d. They are left out."},
		{s.Other, others},
		{s.Unknown, "Sessions whose participants Insights refused to list: %d. They are not in the peaks."},
	} {
		if c.rooms > 0 {
			fmt.Fprintf(w, c.text+"\n", c.rooms)
		}
	}
}

// minutes formats figures without the number of sessions.
func (f figures) minutes() string {
	return fmt.Sprintf("%d participant, %d recorder and %d streamer minutes", f[participantMinutes], f[recorderMinutes], f[streamerMinutes])
}

func (f figures) String() string {
	return fmt.Sprintf("%s and %d sessions", f.minutes(), f[sessionCount])
}
