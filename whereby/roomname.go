package whereby

import "strings"

// uuidLength is the length of 8-4-4-4-12 hexadecimal digits with their hyphens.
const uuidLength = 36

// RoomPrefix returns what a room's name holds before its trailing UUID, without
// the slash: the roomNamePrefix with which the room was created. ok is false
// where the name ends in no UUID, as with rooms named by hand and with the
// pattern human-short; prefix is "" if the room was created without one.
//
//	RoomPrefix("/acme-793e9ec1-c686-423d-9043-9b7a10c553fd") // "acme-", true
//	RoomPrefix("/standup")                                   // "", false
func RoomPrefix(roomName string) (prefix string, ok bool) {
	name := strings.TrimPrefix(roomName, "/")
	at := len(name) - uuidLength
	if at < 0 || !isUUID(name[at:]) {
		return "", false
	}
	return name[:at], true
}

func isUUID(s string) bool {
	if len(s) != uuidLength {
		return false
	}
	for i := range len(s) {
		switch i {
		case 8, 13, 18, 23:
			if s[i] != '-' {
				return false
			}
		default:
			if !isHex(s[i]) {
				return false
			}
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
