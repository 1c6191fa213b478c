package collector

import (
	"whereby_exporter/collector/ledger"
	"whereby_exporter/whereby"
)

// roomPrefix gives the prefix under which a room counts when nothing is
// configured for it: what its name holds before the UUID.
func roomPrefix(roomName string) string {
	prefix, ok := whereby.RoomPrefix(roomName)
	if !ok || prefix == "" {
		return ledger.NonePrefix
	}
	return prefix
}
