package config

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The file is read by walking its nodes along a table of the fields that there
// are. The same table gives the names that a message suggests, and [Fields].

// value is something that can be read from a node.
type value interface {
	read(r *reader, n node)
}

// node is a part of the document, aliases followed, and where it is.
type node struct {
	*yaml.Node
	field string
}

func (n node) child(c *yaml.Node, field string) node {
	for c.Kind == yaml.AliasNode {
		c = c.Alias
	}
	return node{c, field}
}

func (n node) isNull() bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func (n node) isText() bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!str" }

// kind names the type of a node, and never its content, which may be secret.
func (n node) kind() string {
	switch n.Tag {
	case "!!map":
		return "a mapping"
	case "!!seq":
		return "a list"
	case "!!str":
		return "text"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "true or false"
	case "!!null":
		return "empty"
	case "!!timestamp":
		return "a date"
	}
	return "a value with a custom tag"
}

// maxProblems bounds the cost of a file full of mistakes.
const maxProblems = 1000

// reader collects the problems of one document.
type reader struct {
	file     string
	problems []Problem
}

func (r *reader) problem(n node, format string, args ...any) {
	r.problemAt(n.Line, n.Column, n.field, format, args...)
}

func (r *reader) problemAt(line, column int, field, format string, args ...any) {
	p := Problem{File: r.file, Line: max(line, 1), Column: max(column, 1), Field: field, Message: fmt.Sprintf(format, args...)}
	if len(r.problems) == maxProblems-1 {
		p.Field, p.Message = "", fmt.Sprintf("there are %d problems or more; further ones are not shown", maxProblems)
	}
	if !r.full() {
		r.problems = append(r.problems, p)
	}
}

func (r *reader) full() bool { return len(r.problems) >= maxProblems }

// wrong reports a node of the wrong type.
func (r *reader) wrong(n node, want string) {
	r.problem(n, "must be %s, but is %s", want, n.kind())
}

// field is one key of a mapping.
type field struct {
	name, help string
	required   bool
	value      value
}

// mapping is a mapping with known keys. Nothing at all counts as an empty one, so that all
// lines of a section may be commented out.
type mapping []field

func (m mapping) names() []string {
	names := make([]string, len(m))
	for i, f := range m {
		names[i] = f.name
	}
	return names
}

func (m mapping) read(r *reader, n node) {
	given := map[string]bool{}
	for _, p := range r.pairs(n) {
		name := p.key.Value
		given[name] = true
		known := false
		for _, f := range m {
			if f.name == name {
				known = true
				f.value.read(r, p.value)
			}
		}
		if !known && !r.full() {
			r.problemAt(p.key.Line, p.key.Column, p.value.field, "unknown field%s", hint(name, m.names()))
		}
	}
	for _, f := range m {
		if f.required && !given[f.name] && (n.Tag == "!!map" || n.isNull()) {
			r.problem(n, "%s is missing", f.name)
		}
	}
}

// entries is a mapping with keys chosen by the operator.
type entries struct {
	// key stands for a key in the documentation.
	key string
	// check returns the fault of a key, or "".
	check func(key string) string
	value func(key string) value
}

func (e entries) read(r *reader, n node) {
	for _, p := range r.pairs(n) {
		if problem := e.check(p.key.Value); problem != "" {
			r.problemAt(p.key.Line, p.key.Column, p.value.field, "%s", problem)
			continue
		}
		e.value(p.key.Value).read(r, p.value)
	}
}

// list is a list with entries of a single type. Nothing at all counts as an empty list.
type list struct {
	item func() value
}

func (l list) read(r *reader, n node) {
	switch {
	case n.isNull():
	case n.Kind != yaml.SequenceNode || n.Tag != "!!seq":
		r.wrong(n, `a list, each entry on a line that begins with "- "`)
	default:
		for i, c := range n.Content {
			if r.full() {
				return
			}
			l.item().read(r, n.child(c, fmt.Sprintf("%s[%d]", n.field, i)))
		}
	}
}

type pair struct {
	key   *yaml.Node
	value node
}

// pairs returns the pairs of a mapping whose keys are unique texts, and reports the rest.
func (r *reader) pairs(n node) []pair {
	if n.isNull() {
		return nil
	}
	if n.Kind != yaml.MappingNode || n.Tag != "!!map" {
		r.wrong(n, `a mapping, each field on a line such as "key: value"`)
		return nil
	}
	var pairs []pair
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.child(n.Content[i], n.field)
		switch {
		case key.Tag == "!!merge":
			r.problem(key, "merging with << is not supported; write the fields out, or use an alias as the whole value of a field")
		case key.Kind != yaml.ScalarNode || key.Tag == "!!null":
			r.problem(key, "a key must be text, but is %s", key.kind())
		case lines[key.Value] > 0:
			r.problemAt(n.Content[i].Line, n.Content[i].Column, join(n.field, key.Value), "repeated key; it is already on line %d", lines[key.Value])
		default:
			lines[key.Value] = n.Content[i].Line
			pairs = append(pairs, pair{n.Content[i], n.child(n.Content[i+1], join(n.field, key.Value))})
			pairs[len(pairs)-1].key = keyAt(n.Content[i], key.Node)
		}
	}
	return pairs
}

// keyAt returns a key with its position, which for an alias differs from the position of
// its text.
func keyAt(at, key *yaml.Node) *yaml.Node {
	if at == key {
		return key
	}
	moved := *key
	moved.Line, moved.Column = at.Line, at.Column
	return &moved
}

// join adds a key to the path of a field. Keys that no field has are quoted, and
// long ones cut, so that a path stays on one line.
func join(field, key string) string {
	if !isName(key) {
		if runes := []rune(key); len(runes) > 64 {
			key = string(runes[:64]) + "…"
		}
		key = strconv.Quote(key)
	}
	if field == "" {
		return key
	}
	return field + "." + key
}

func isName(s string) bool {
	const allowed = "_-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return 0 < len(s) && len(s) <= 64 && !strings.ContainsFunc(s, func(c rune) bool {
		return !strings.ContainsRune(allowed, c)
	})
}
