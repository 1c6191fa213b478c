// Package quality samples call quality.
//
// Insights keeps packet loss and bitrate for every participant. Reading one participant
// costs a request, from a budget that is shared with production. So only a sample is read:
// a [Sampler] spends the points that polling leaves, on the newest settled sessions first,
// and divides them evenly among the room prefixes that have something to read. Each
// participant is read at most once, even across restarts. What was not read within a day
// counts as skipped.
//
// Data flows one way: rooms read by polls yield candidate sessions ([Sampler.Offer]), the
// queue selects the next one, a request is made and measured ([Measure]), and the result is
// made durable and then visible as a whole ([Sampler.View]).
//
// No user agent, name or participant ID is stored. Only a hash records that a participant
// was read.
package quality
