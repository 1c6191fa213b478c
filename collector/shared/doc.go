// Package shared keeps in Redis what replicas of the exporter share: a log of all that
// happened, what the log led to, and a lease that says who may read Insights.
//
// Every replica reads the whole log, in its order, and knows by that what the others
// know. Any replica may append an event; what follows from Insights is appended by the
// holder of the lease alone. Each such entry carries the token of the lease, and Redis
// itself compares it: whoever was paused and has lost the lease meanwhile can write
// nothing, and spend no point. With an entry, in the same step, goes what it makes of
// the state that a replica begins with.
//
// An entry's number is one more than that of the one before it, so a reader sees what
// it missed.
package shared
