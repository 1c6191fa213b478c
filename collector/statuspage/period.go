package statuspage

import (
	"strings"
	"time"

	"whereby_exporter/collector/billing"
	"whereby_exporter/collector/ledger"
	"whereby_exporter/collector/transcriptions"
)

// atLeast writes what was used, as a lower bound if rooms are unread.
func atLeast[N int64 | float64](used N, unread int64) string {
	if unread > 0 {
		return "at least " + number(used)
	}
	return number(used)
}

// unreadRooms writes how many rooms are unread, and nothing if none are.
func unreadRooms(n int64) string {
	if n == 0 {
		return ""
	}
	return count(n, "room", "rooms") + " unread"
}

// periodLine is a billing period and its usage, in a line.
type periodLine struct {
	Label          string
	From, To       stamp
	FromDay, ToDay string
	Used           string // "" if unknown
	State          string // how certain it is; "" if there is nothing to say
}

// currentPeriod returns the line of a customer's current billing period, or nil before the
// first full poll.
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

// previousPeriod returns the line of the billing period before the current one.
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

// transcribed returns d, or 0 if the length of transcriptions is unknown.
func (c Customer) transcribed(d time.Duration) time.Duration {
	if !c.HasTranscribed || !c.Transcribed.Known {
		return 0
	}
	return d
}

// totals writes totals. It leaves out minutes that few accounts have if they are 0.
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
