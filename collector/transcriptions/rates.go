package transcriptions

// Rate is what a minute costs of transcriptions that start at a time or later.
type Rate struct {
	// Start is in milliseconds since 1970.
	Start int64
	// Minute is an amount of the smallest unit in which prices are kept, of which a minute
	// costs a multiple of 60.
	Minute int64
}

// Rates are in the order of their starts. Before the first, transcriptions cost nothing.
type Rates []Rate

// Cost is what a transcription costs, in the unit of [Rate.Minute]. Only a part of a second is
// rounded, so that costs of transcriptions add up whatever they are summed by.
//
// An event only tells roughly when a transcription started, so until that is listed it costs
// the least that it may: a counter could not take back more.
func (r Rates) Cost(row Row) int64 {
	var minute int64
	for _, rate := range r {
		switch {
		case rate.Start <= row.Started:
			minute = rate.Minute
		case !row.Listed:
			minute = min(minute, rate.Minute)
		}
	}
	const unit = 60_000 // milliseconds of a minute
	minutes, rest := row.Billable/unit, row.Billable%unit
	return minutes*minute + (rest*minute+unit/2)/unit
}
