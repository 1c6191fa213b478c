// Package prefix decides which room prefix a room counts under.
//
// A [Classifier] derives the prefix from the room's name. A [Table] maps it to the value of
// the label room_prefix, up to a limit of prefixes.
package prefix

// The reserved values cannot collide with Whereby's prefixes, which hold no underscore.
const (
	// None is the value for rooms without a prefix, or named by hand.
	None = "_none"
	// Other is the value for all prefixes beyond the limit.
	Other = "_other"
)

// DefaultLimit is how many room prefixes are exposed before further ones are counted
// together: far more than a company has customers, and what a Prometheus still takes from
// one target.
const DefaultLimit = 10_000
