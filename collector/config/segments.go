package config

import (
	"regexp"

	"whereby_exporter/collector/prefix"
	"whereby_exporter/whereby"
)

// Segments divides live people by a part of what the embedding application says of
// them. Nothing else of those texts may leave [Segments.Of].
type Segments struct {
	Source SegmentSource
	// Pattern has one capture group, which is the segment.
	Pattern *regexp.Regexp
	// Limit is the number of segments beyond which further ones count under
	// prefix.Other.
	Limit int
}

// SegmentSource is the field of an event in which the pattern looks.
type SegmentSource string

// The sources.
const (
	FromMetadata   SegmentSource = "metadata"
	FromExternalID SegmentSource = "external_id"
)

// Of returns what the pattern's group captures. ok is false where nothing matches,
// where the group is empty or no label: over 64 bytes, with control characters, or
// one of the reserved values. Long ones are not cut, because two segments might
// become one. A nil Segments has no segment for any event.
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
		{name: "pattern", help: "RE2 expression with one capture group, the segment.", required: true, value: scalar(func(r *reader, n node) {
			if n.isText() && n.Value == "" {
				r.problem(n, "must not be empty")
				return
			}
			expression(r, n)
		})},
		{name: "limit", help: "Further segments count under _other; 1000 by default, up to 100000.",
			value: whole(1, 100_000, "", func(i int64) { s.result.Limit = int(i) })},
	}
}
