package wherebytest

// Totals are the figures of a room or a session.
type Totals struct {
	ParticipantMinutes int64
	RecorderMinutes    int64
	StreamerMinutes    int64
	Sessions           int64
	UniqueParticipants int64
	UniqueRecorders    int64
	UniqueStreamers    int64
}

// Add returns the sum of t and u.
func (t Totals) Add(u Totals) Totals {
	return Totals{
		ParticipantMinutes: t.ParticipantMinutes + u.ParticipantMinutes,
		RecorderMinutes:    t.RecorderMinutes + u.RecorderMinutes,
		StreamerMinutes:    t.StreamerMinutes + u.StreamerMinutes,
		Sessions:           t.Sessions + u.Sessions,
		UniqueParticipants: t.UniqueParticipants + u.UniqueParticipants,
		UniqueRecorders:    t.UniqueRecorders + u.UniqueRecorders,
		UniqueStreamers:    t.UniqueStreamers + u.UniqueStreamers,
	}
}

func (t Totals) minus(u Totals) Totals {
	return t.Add(u.each(func(n int64) int64 { return -n }))
}

// each applies f to every figure.
func (t Totals) each(f func(int64) int64) Totals {
	return Totals{
		ParticipantMinutes: f(t.ParticipantMinutes),
		RecorderMinutes:    f(t.RecorderMinutes),
		StreamerMinutes:    f(t.StreamerMinutes),
		Sessions:           f(t.Sessions),
		UniqueParticipants: f(t.UniqueParticipants),
		UniqueRecorders:    f(t.UniqueRecorders),
		UniqueStreamers:    f(t.UniqueStreamers),
	}
}

// highest takes the greater of each figure.
func highest(t, u Totals) Totals {
	return Totals{
		ParticipantMinutes: max(t.ParticipantMinutes, u.ParticipantMinutes),
		RecorderMinutes:    max(t.RecorderMinutes, u.RecorderMinutes),
		StreamerMinutes:    max(t.StreamerMinutes, u.StreamerMinutes),
		Sessions:           max(t.Sessions, u.Sessions),
		UniqueParticipants: max(t.UniqueParticipants, u.UniqueParticipants),
		UniqueRecorders:    max(t.UniqueRecorders, u.UniqueRecorders),
		UniqueStreamers:    max(t.UniqueStreamers, u.UniqueStreamers),
	}
}

// share returns the i-th of n parts of t, whose sum is t.
func (t Totals) share(i, n int64) Totals {
	return t.each(func(v int64) int64 {
		v = max(v, 0)
		return v*(i+1)/n - v*i/n
	})
}
