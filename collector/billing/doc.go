// Package billing is the calendar of billing periods: which one a time falls in,
// when it began and when it ends.
//
// Periods are monthly and begin with the anchor day, at the first instant of that
// day in the calendar's time zone. They follow each other without gap or overlap.
//
// The package is pure: it has no clock, and a [Calendar] remembers nothing. When an
// operator changes the anchor day or the zone, the current period is the one that
// the new calendar gives for the present time. It may have begun before the old
// one did, or after, and what was used in it must be counted again from its start.
package billing
