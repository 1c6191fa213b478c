// Package alerts holds the recording and alerting rules, their runbooks, and how an
// operator's thresholds get into them.
//
// The files in rules are the one source: a person can load them as they are. A
// number that may be changed has its name in a comment behind it, and [Render] edits
// the files at these marks. Templates would have meant a second copy of each rule,
// which can't be loaded, or checked, or read in an editor that knows the format.
package alerts
