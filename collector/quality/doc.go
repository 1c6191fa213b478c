// Package quality samples how good calls are.
//
// Insights keeps packet loss and bitrate of every participant, and reading one costs a
// request out of a budget that production shares. So this is a sample: a [Sampler]
// spends what polling leaves, on the newest settled sessions first, with the same
// number of points for every room prefix that has something to read. Each participant
// is read once at most, over restarts too. What was not read within a day is counted
// as skipped.
//
// The data flows one way: rooms that polls read become sessions to look at ([Sampler.Offer]),
// the queue says which is next, a request is made and measured ([Measure]), and the
// result is made durable and then visible as a whole ([Sampler.View]).
//
// No user agent, name or participant ID is kept: of a participant, a hash says that it
// was read.
package quality
