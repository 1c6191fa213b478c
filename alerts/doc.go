// Package alerts embeds the recording and alerting rules and their runbooks, and applies
// an operator's thresholds to the rules.
//
// The files in rules are the only source, and can be loaded as they are. A number that
// can be configured is followed by its name in a comment, and [Render] replaces the
// number. Templates would have been a second copy of each rule, which Prometheus can't
// load, promtool can't check, and an editor can't read as YAML.
package alerts
