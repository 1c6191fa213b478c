package whereby

// Usage holds the figures of a room over its lifetime, or of one session.
type Usage struct {
	// ParticipantMinutes is Whereby's billing unit: minutes in the room, rounded
	// up for each connection. It is not a duration.
	ParticipantMinutes int64
	RecorderMinutes    int64
	StreamerMinutes    int64

	UniqueParticipants int64
	UniqueRecorders    int64
	UniqueStreamers    int64
}

// wireUsage is embedded in rows of rooms and of sessions.
type wireUsage struct {
	ParticipantMinutes count `json:"totalParticipantMinutes"`
	RecorderMinutes    count `json:"totalRecorderMinutes"`
	StreamerMinutes    count `json:"totalStreamerMinutes"`

	UniqueParticipants looseCount `json:"totalUniqueParticipants"`
	UniqueRecorders    looseCount `json:"totalUniqueRecorders"`
	UniqueStreamers    looseCount `json:"totalUniqueStreamers"`

	Rating       looseNumber `json:"rating"`
	TotalRatings looseNumber `json:"totalRatings"`
}

// usage insists on the minutes, which are billed. The unique counts are
// documented as required too, but nothing depends on them.
func (w wireUsage) usage() (Usage, error) {
	u := Usage{
		UniqueParticipants: int64(w.UniqueParticipants),
		UniqueRecorders:    int64(w.UniqueRecorders),
		UniqueStreamers:    int64(w.UniqueStreamers),
	}
	var err error
	if u.ParticipantMinutes, err = w.ParticipantMinutes.required("totalParticipantMinutes"); err != nil {
		return u, err
	}
	if u.RecorderMinutes, err = w.RecorderMinutes.required("totalRecorderMinutes"); err != nil {
		return u, err
	}
	u.StreamerMinutes, err = w.StreamerMinutes.required("totalStreamerMinutes")
	return u, err
}
