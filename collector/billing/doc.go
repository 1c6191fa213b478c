// Package billing computes billing periods: which one a time falls in, when it began, and
// when it ends.
//
// Periods are monthly. A period begins at the first instant of the anchor day in the
// calendar's time zone, and periods follow each other without gap or overlap.
//
// The package is pure: it has no clock, and a [Calendar] has no state. If an operator
// changes the anchor day or the time zone, the current period is the one that the new
// calendar gives for the present time. It may begin earlier or later than the old one, so
// usage must be counted again from its start.
package billing
