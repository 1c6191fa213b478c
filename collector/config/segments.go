package config

import (
	"regexp"
	"regexp/syntax"
	"unicode"

	"whereby_exporter/collector/prefix"
	"whereby_exporter/whereby"
)

// Segments divides live people by a part of what the embedding application says about
// them. Nothing else of those texts may leave [Segments.Of].
type Segments struct {
	Source SegmentSource
	// Pattern has one capture group, which is the segment.
	Pattern *regexp.Regexp
	// Limit is the number of segments beyond which further ones count under
	// prefix.Other.
	Limit int
}

// SegmentSource is the event field that the pattern is applied to.
type SegmentSource string

// The sources.
const (
	FromMetadata   SegmentSource = "metadata"
	FromExternalID SegmentSource = "external_id"
)

// Of returns the text captured by the pattern's group. ok is false if nothing matches, or
// if the text is empty or not a valid label: over 64 bytes, with control characters, or one
// of the reserved values. Long texts are not cut, because two segments might become one. A
// nil Segments has no segment for any event.
func (s *Segments) Of(event whereby.Event) (segment string, ok bool) {
	if s == nil {
		return "", false
	}
	source := event.Metadata
	if s.Source == FromExternalID {
		source = event.ExternalID
	}
	match := s.Pattern.FindStringSubmatch(source)
	if match == nil || !prefix.IsLabel(match[1]) {
		return "", false
	}
	return match[1], true
}

// Admits returns a function that reports whether the pattern's group may capture a name.
func (s *Segments) Admits() func(name string) bool {
	whole, err := regexp.Compile(`\A(?:` + s.group().String() + `)\z`)
	if err != nil {
		// Part of a pattern is itself a pattern; without it, more names stay than needed.
		return func(string) bool { return true }
	}
	return whole.MatchString
}

// Listed reports whether the pattern's group is a list, such as (north|south): it can capture
// no more names than the limit. Otherwise visitors choose the names, since metadata and
// external ids are parameters of a room's address.
func (s *Segments) Listed() bool { return variants(s.group(), s.Limit) <= s.Limit }

// group returns the expression between the pattern's parentheses.
func (s *Segments) group() *syntax.Regexp {
	// It has been parsed before, and has a group.
	expression, err := syntax.Parse(s.Pattern.String(), syntax.Perl)
	if err == nil {
		if group := findGroup(expression); group != nil {
			return group
		}
	}
	return &syntax.Regexp{Op: syntax.OpAnyChar}
}

func findGroup(e *syntax.Regexp) *syntax.Regexp {
	if e.Op == syntax.OpCapture {
		return e.Sub[0]
	}
	for _, sub := range e.Sub {
		if group := findGroup(sub); group != nil {
			return group
		}
	}
	return nil
}

// variants returns how many texts an expression matches at most. Any number above limit
// only means that there are more.
func variants(e *syntax.Regexp, limit int) int {
	n := 1
	switch e.Op {
	case syntax.OpNoMatch:
		n = 0
	case syntax.OpLiteral:
		if e.Flags&syntax.FoldCase == 0 {
			break
		}
		for _, r := range e.Rune {
			forms := 1
			for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
				forms++
			}
			n = min(n*forms, limit+1)
		}
	case syntax.OpCharClass:
		n = 0
		for i := 0; i < len(e.Rune); i += 2 {
			n = min(n+int(e.Rune[i+1]-e.Rune[i])+1, limit+1)
		}
	case syntax.OpConcat:
		for _, sub := range e.Sub {
			n = min(n*variants(sub, limit), limit+1)
		}
	case syntax.OpAlternate:
		n = 0
		for _, sub := range e.Sub {
			n = min(n+variants(sub, limit), limit+1)
		}
	case syntax.OpQuest:
		n += variants(e.Sub[0], limit)
	case syntax.OpRepeat:
		n = repeated(variants(e.Sub[0], limit), e.Min, e.Max, limit)
	case syntax.OpCapture:
		n = variants(e.Sub[0], limit)
	case syntax.OpStar, syntax.OpPlus, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		n = limit + 1
	}
	return min(n, limit+1)
}

// repeated returns the number of texts made of at least low and at most high parts, with n
// choices for each; high is -1 for any number.
func repeated(n, low, high, limit int) int {
	if high < 0 {
		return limit + 1
	}
	sum, power := 0, 1
	for length := range high + 1 {
		if length >= low {
			sum = min(sum+power, limit+1)
		}
		power = min(power*n, limit+1)
	}
	return sum
}

// segments is the section segments.
type segments struct {
	result *Segments
}

func (s *segments) read(r *reader, n node) {
	if n.isNull() || n.Tag == "!!map" && len(n.Content) == 0 {
		return
	}
	s.fields().read(r, n)
}

func (s *segments) fields() mapping {
	s.result = &Segments{Limit: defaultSegmentLimit}
	expression := pattern(&s.result.Pattern)
	return mapping{
		{name: "source", help: "Where to look: metadata or external_id.", required: true,
			value: oneOf(func(source SegmentSource) { s.result.Source = source }, FromMetadata, FromExternalID)},
		{name: "pattern", help: "RE2 expression with one capture group, the segment. A list such as (north|south) allows only these names. Otherwise visitors can choose names, and a name that nobody uses for a day is forgotten.", required: true, value: scalar(func(r *reader, n node) {
			if n.isText() && n.Value == "" {
				r.problem(n, "must not be empty")
				return
			}
			expression(r, n)
		})},
		{name: "limit", help: "Largest number of segments; more count under _other. 1000 by default, at most 100000.",
			value: whole(1, 100_000, "", func(i int64) { s.result.Limit = int(i) })},
	}
}
