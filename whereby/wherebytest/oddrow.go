package wherebytest

// OddRows modifies the JSON rows of one room and of its sessions.
func OddRows(roomName string, change func(row map[string]any)) Fault {
	return editRows(func(row map[string]any) {
		if row["roomName"] == roomName {
			change(row)
		}
	})
}
