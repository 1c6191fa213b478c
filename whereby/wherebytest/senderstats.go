package wherebytest

import "sync/atomic"

// SenderStats counts what a [Sender] did. Once Run has returned, Events + Duplicates =
// Withheld + Acknowledged + Refused + Lost + Aborted.
type SenderStats struct {
	Events     int64 // that happened
	Withheld   int64 // of those, never sent, by [DeliveryFaults]
	Delayed    int64 // sent late
	Duplicates int64 // deliveries beyond an event's first

	Acknowledged int64 // deliveries answered 2xx
	Refused      int64 // answered anything but 2xx or 5xx, and not tried again
	Lost         int64 // given up after the third attempt
	Aborted      int64 // given up because Run was to end

	Requests int64 // made, those of Deliver too
	Retries  int64 // attempts after the first that were decided on
}

// counts are the figures of SenderStats.
type counts struct {
	events, withheld, delayed, duplicates atomic.Int64
	acknowledged, refused, lost, aborted  atomic.Int64
	requests, retries                     atomic.Int64
}

// Stats returns what the sender has done so far.
func (s *Sender) Stats() SenderStats {
	c := &s.counts
	return SenderStats{
		Events: c.events.Load(), Withheld: c.withheld.Load(), Delayed: c.delayed.Load(), Duplicates: c.duplicates.Load(),
		Acknowledged: c.acknowledged.Load(), Refused: c.refused.Load(), Lost: c.lost.Load(), Aborted: c.aborted.Load(),
		Requests: c.requests.Load(), Retries: c.retries.Load(),
	}
}
