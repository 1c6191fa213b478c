package ledger

// Totals are the lifetime figures that are billed or counted: of a room, a prefix or the
// account.
type Totals struct {
	ParticipantMinutes int64
	RecorderMinutes    int64
	StreamerMinutes    int64
	Sessions           int64
}

// Billed returns all minutes that Whereby bills for sessions.
func (t Totals) Billed() int64 { return t.ParticipantMinutes + t.RecorderMinutes + t.StreamerMinutes }

// Max returns the larger of the two for each figure.
func (t Totals) Max(o Totals) Totals {
	return Totals{
		ParticipantMinutes: max(t.ParticipantMinutes, o.ParticipantMinutes),
		RecorderMinutes:    max(t.RecorderMinutes, o.RecorderMinutes),
		StreamerMinutes:    max(t.StreamerMinutes, o.StreamerMinutes),
		Sessions:           max(t.Sessions, o.Sessions),
	}
}

// Add returns the sum for each figure.
func (t Totals) Add(o Totals) Totals {
	return Totals{
		ParticipantMinutes: t.ParticipantMinutes + o.ParticipantMinutes,
		RecorderMinutes:    t.RecorderMinutes + o.RecorderMinutes,
		StreamerMinutes:    t.StreamerMinutes + o.StreamerMinutes,
		Sessions:           t.Sessions + o.Sessions,
	}
}

// Sub returns the difference for each figure.
func (t Totals) Sub(o Totals) Totals {
	return Totals{
		ParticipantMinutes: t.ParticipantMinutes - o.ParticipantMinutes,
		RecorderMinutes:    t.RecorderMinutes - o.RecorderMinutes,
		StreamerMinutes:    t.StreamerMinutes - o.StreamerMinutes,
		Sessions:           t.Sessions - o.Sessions,
	}
}

// times returns the figures n times.
func (t Totals) times(n int64) Totals {
	return Totals{
		ParticipantMinutes: n * t.ParticipantMinutes,
		RecorderMinutes:    n * t.RecorderMinutes,
		StreamerMinutes:    n * t.StreamerMinutes,
		Sessions:           n * t.Sessions,
	}
}
