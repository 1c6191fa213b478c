// Package live derives from webhook events who is in which of Whereby's rooms now.
//
// Whereby delivers an event once, several times or never, and in any order. The counts are
// right nevertheless, because most events state how many clients are in the room after
// them: for each room, the newest such event wins. A repeated event changes nothing, and a
// late event changes no count that a newer one has set. A lost event is compensated by the
// next event of its room, or by Insights: see [Tracker.Suspects]. Events with the same time
// are put in the order in which each total follows from the previous one. What the end of a
// session, the end of a room, a restart or silence proves about a room is in
// [whereby.Evidence].
//
// # Bounds
//
// Event IDs are remembered for at least 24 hours after their arrival, but no more than
// [Options.MaxIDs]. If there are more, the older half is forgotten early. If such an event
// is delivered again, the counters count it again, but counts of a known room do not
// change.
//
// A room that nobody is in or waits for is remembered for an hour, so that late events find
// it. The same holds for participants who came or left. If more than half of
// [Options.MaxRooms] or [Options.MaxVisits] is in use, they are remembered for five minutes.
// A room with pending minutes is remembered until Insights shows them, or for an hour if
// memory is short. Beyond the maximum, events of new rooms only count in the counters, and
// new knocks are not tracked; [View.Refused] counts both.
//
// The package has no clock, no network, no logger and no goroutine.
package live
