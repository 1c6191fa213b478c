package wherebytest

// OddRows changes the rows of one room as they are on the wire: those of the room, and
// those of its sessions.
func OddRows(roomName string, change func(row map[string]any)) Fault {
	return editRows(func(row map[string]any) {
		if row["roomName"] == roomName {
			change(row)
		}
	})
}
