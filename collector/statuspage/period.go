package statuspage

import (
	"strings"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/transcriptions"
)

// atLeast writes what was used, which is not all of it if rooms are unread.
func atLeast[N int64 | float64](used N, unread int64) string {
	if unread > 0 {
		return "at least " + number(used)
	}
	return number(used)
}

// unreadRooms says how many rooms are unread, or nothing if none is.
func unreadRooms(n int64) string {
	if n == 0 {
		return ""
	}
	return count(n, "room", "rooms") + " unread"
}

// periodLine is what was used in a billing period, in a line.
type periodLine struct {
	Label          string
	From, To       stamp
	FromDay, ToDay string
	Used           string // "" if that is not known
	State          string // what there is to say of it, if anything
}

// currentPeriod returns the line of a customer's current billing period, nil before the first
// full poll.
func currentPeriod(now time.Time, c Customer) *periodLine {
	if !c.Known {
		return nil
	}
	line := newPeriodLine(now, "Current period", c.Period)
	line.Used = totals(c.Used, c.transcribed(c.Transcribed.Used))
	if c.Unread > 0 {
		line.Used, line.State = "at least "+line.Used, unreadRooms(c.Unread)
	}
	line.Used = with(line.Used, c.Costs.current())
	return line
}

// previousPeriod returns the line of the one before.
func previousPeriod(now time.Time, c Customer) *periodLine {
	if !c.Known {
		return nil
	}
	previous := c.Previous
	line := newPeriodLine(now, "Previous period", previous.Period)
	switch {
	case previous.Unread > 0:
		line.State = "not known yet, " + unreadRooms(previous.Unread)
		return line
	case previous.Final:
		line.State = "final"
	default:
		line.State = "may still change"
	}
	line.Used = with(totals(previous.Used, c.transcribed(c.Transcribed.Previous)), c.Costs.previous())
	return line
}

func newPeriodLine(now time.Time, label string, p billing.Period) *periodLine {
	const day = "2 Jan"
	return &periodLine{
		Label: label, From: dayOf(now, p.Start), To: dayOf(now, p.End), FromDay: p.Start.Format(day), ToDay: p.End.Format(day),
	}
}

// transcribed returns a time of transcriptions, 0 if it is not known.
func (c Customer) transcribed(d time.Duration) time.Duration {
	if !c.HasTranscribed || !c.Transcribed.Known {
		return 0
	}
	return d
}

// totals writes totals; minutes that few accounts have are left out if there are none.
func totals(t ledger.Totals, transcribed time.Duration) string {
	parts := []string{count(t.ParticipantMinutes, "participant minute", "participant minutes")}
	if t.RecorderMinutes > 0 {
		parts = append(parts, count(t.RecorderMinutes, "recorder minute", "recorder minutes"))
	}
	if t.StreamerMinutes > 0 {
		parts = append(parts, count(t.StreamerMinutes, "streamer minute", "streamer minutes"))
	}
	if minutes := int64(transcriptions.Minutes(transcribed)); minutes > 0 {
		parts = append(parts, count(minutes, "transcription minute", "transcription minutes"))
	}
	return strings.Join(append(parts, count(t.Sessions, "session", "sessions")), ", ")
}
