package backfill

import (
	"fmt"
	"io"
	"time"
)

// Print writes what the history holds, and what Insights could not tell.
func (s *Summary) Print(w io.Writer, output string) {
	if s.Files > 1 {
		fmt.Fprintf(w, "%s, and %s.1 to %s.%d, are complete.\n", output, output, output, s.Files-1)
	} else {
		fmt.Fprintf(w, "%s is complete.\n", output)
	}
	fmt.Fprintf(w, "%s to %s: %d room prefixes, %d rooms, %d sessions with %d participant, %d recorder and %d streamer minutes.\n",
		s.Start.Format(time.RFC3339), s.End.Format(time.RFC3339), s.Prefixes, s.Rooms, s.Sessions,
		s.Placed[participantMinutes], s.Placed[recorderMinutes], s.Placed[streamerMinutes])
	for _, c := range []struct {
		n    int64
		text string
	}{
		{s.Base[participantMinutes] + s.Base[sessionCount] + s.Base[recorderMinutes] + s.Base[streamerMinutes],
			fmt.Sprintf("The first samples hold %d participant minutes and %d sessions already: from before the start, or with no session that Insights list.",
				s.Base[participantMinutes], s.Base[sessionCount])},
		{s.BaseRooms, fmt.Sprintf("The totals of %d rooms are above the sum of their listed sessions; the rest is part of the first samples.", s.BaseRooms)},
		{s.GoneRooms, fmt.Sprintf("%d rooms are known from the exporter's store alone; %d participant minutes of them have no time, and are part of the first samples.",
			s.GoneRooms, s.GoneBase[participantMinutes])},
		{s.Cut[participantMinutes] + s.Cut[sessionCount] + s.Cut[recorderMinutes] + s.Cut[streamerMinutes],
			fmt.Sprintf("Sessions come to more than the totals of their rooms; the oldest were cut by %d participant minutes and %d sessions.",
				s.Cut[participantMinutes], s.Cut[sessionCount])},
		{s.Moving, fmt.Sprintf("%d rooms were in use whenever they were read; what they used before their first listed session may be missing.", s.Moving)},
		{s.Refused, fmt.Sprintf("Insights refused the sessions of %d rooms; their totals have no time.", s.Refused)},
		{s.Left, fmt.Sprintf("%d rooms that are gone were used near the end or after it; they are left out.", s.Left)},
		{s.Unknown, fmt.Sprintf("Insights refused the participants of %d sessions; they are not in the peaks.", s.Unknown)},
	} {
		if c.n > 0 {
			fmt.Fprintln(w, c.text)
		}
	}
}
