// Package live tells from webhook events who is in Whereby's rooms now.
//
// Whereby delivers an event once, twice or never, and in any order. What keeps the
// counts right all the same is that most events say how many clients are in the
// room after them: per room the newest such event wins. A repeated event changes
// nothing, a late one changes no count that a newer one set, and a lost one is
// healed by the next event of its room, or by Insights: see [Tracker.Suspects]. Of
// events with the same time, the order counts in which each total follows from the one
// before. What a session's end, a room's end, a restart and silence say of a room is in
// [whereby.Evidence].
//
// # Bounds
//
// Event IDs are remembered for at least 24 hours after their arrival, up to
// [Options.MaxIDs]; beyond, the oldest half is forgotten early. An event that comes
// again after that counts again in the counters, and changes no count of a room
// that is still known.
//
// A room that nobody is in or waits for is remembered for an hour, so that late
// events find it, and so is a participant who came or went. Where more than half of
// [Options.MaxRooms] or [Options.MaxVisits] is taken, that hour is five minutes. A
// room with pending minutes is remembered until Insights show them; where memory is
// short, for an hour. Beyond the maximum, events of further rooms count in the
// counters only, further knocks are not waited for, and [View.Refused] counts both.
//
// The package has no clock, no network, no logger and no goroutine.
package live
